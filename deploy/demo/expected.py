"""Which flows must have been exported, worked out from the referee's counters and the drawn cluster alone."""

from dataclasses import dataclass

from cluster import CLIENT_PORTS
from referee import ECHO

POD_TO_POD, ACROSS_NODES, POD_TO_SERVICE, POD_TO_NODE, NODE_TO_POD = (
    "Pod-to-Pod on one Node", "Pod-to-Pod across Nodes", "Pod-to-Service", "Pod-to-Node", "Node-to-Pod")
KINDS = (POD_TO_POD, ACROSS_NODES, POD_TO_SERVICE, POD_TO_NODE, NODE_TO_POD)
PROTOCOL_NAMES = {1: "ICMP", 6: "TCP", 17: "UDP", 58: "ICMPv6"}
_ECHO_REPLIES = {types["echo-request"]: types["echo-reply"] for _, types in ECHO.values()}


def protocol_name(protocol):
    return PROTOCOL_NAMES.get(protocol, f"protocol {protocol}")


def key_text(key):
    source, destination, protocol, source_port, destination_port = key
    if protocol in (1, 58):
        return f"{protocol_name(protocol)} {source} id {source_port} -> {destination} type {destination_port >> 8}"
    return f"{protocol_name(protocol)} {source} port {source_port} -> {destination} port {destination_port}"


@dataclass(frozen=True)
class Expected:
    """One connection. key is as a record has it: source, endpoint after DNAT, protocol, ports."""
    kind: str
    key: tuple
    node: object            # whose exporter tells of it
    source_pod: object      # None: not a Pod
    destination_pod: object
    service: object
    # What the referee counted each way, (packets, octets) per place it saw the direction at. Two places that disagree
    # mean that packets were lost inside the datapath: then anything in between is right.
    forward: tuple
    reverse: tuple

    @property
    def text(self):
        return f"{self.kind}, {key_text(self.key)}"

    @property
    def family(self):
        return 6 if ":" in self.key[0] else 4


def is_opening(key):
    """Whether a 5-tuple is that of the side that opened the connection."""
    _, _, protocol, source_port, destination_port = key
    if protocol in (1, 58):
        return destination_port in _ECHO_REPLIES
    return source_port in CLIENT_PORTS and destination_port not in CLIENT_PORTS


def reply_key(key):
    source, destination, protocol, source_port, destination_port = key
    if protocol in (1, 58):
        return destination, source, protocol, source_port, _ECHO_REPLIES[destination_port]
    return destination, source, protocol, destination_port, source_port


def _seen(readings, *places):
    """Counters at (Pod or Node, direction, key); nothing counted is (0, 0)."""
    return tuple(readings[who.name][direction].get(key, (0, 0)) for who, direction, key in places)


def _from_pod(cluster, readings, pod, key):
    source, destination, protocol, source_port, destination_port = key
    node = cluster.node_named(pod.node)
    service = cluster.service_at(destination, destination_port, protocol)
    after_dnat = key
    if service is not None:
        after_dnat = (source, service.endpoint.ipv4, protocol, source_port, service.target_port)
    peer = cluster.pod_at(after_dnat[1])
    if service is not None:
        kind = POD_TO_SERVICE
    elif peer is not None:
        kind = POD_TO_POD if peer.node == pod.node else ACROSS_NODES
    elif cluster.node_at(destination) is node:
        kind = POD_TO_NODE
    else:
        return None
    arrived, answered = (peer or node, "received", after_dnat), (peer, "sent", reply_key(after_dnat))
    return Expected(
        kind=kind, key=after_dnat, node=node, source_pod=pod, destination_pod=peer, service=service,
        forward=_seen(readings, (pod, "sent", key), arrived),
        reverse=_seen(readings, (pod, "received", reply_key(key)), *([answered] if peer else [])))


def _to_pod(cluster, readings, pod, key):
    node = cluster.node_named(pod.node)
    if cluster.pod_at(key[0]) is not None or cluster.node_at(key[0]) is not node:
        return None  # told by _from_pod
    return Expected(kind=NODE_TO_POD, key=key, node=node, source_pod=None, destination_pod=pod, service=None,
                    forward=_seen(readings, (pod, "received", key)),
                    reverse=_seen(readings, (pod, "sent", reply_key(key)), (node, "received", reply_key(key))))


@dataclass(frozen=True)
class Derived:
    flows: list      # Expected
    denied: list     # keys of attempts at the denied port
    let_through: list  # keys of those that arrived all the same: the rules are at fault, not the exporter
    unknown: list    # keys that fit no kind: the derivation is at fault


def derive(cluster, readings):
    flows, denied, let_through, unknown = [], [], [], []
    for pod in cluster.pods:
        for key in sorted(filter(is_opening, readings[pod.name]["sent"])):
            if key[2] == 6 and key[4] == cluster.denied_port:
                denied.append(key)
                continue
            flow = _from_pod(cluster, readings, pod, key)
            flows.append(flow) if flow else unknown.append(key)
        for key in sorted(filter(is_opening, readings[pod.name]["received"])):
            if key[2] == 6 and key[4] == cluster.denied_port:
                let_through.append(key)
            elif (flow := _to_pod(cluster, readings, pod, key)) is not None:
                flows.append(flow)
    return Derived(flows, denied, let_through, unknown)
