"""Node-to-Node flows on real connections: from zone 0 of two Nodes' conntrack to the collector.

What two Nodes say to each other comes out once, of the Node that began it, counted as an independent referee counted it
on the wire; nothing else of zone 0 does. node-a's bridge is of the kernel's datapath, node-b's of the userspace one."""

import collections
import pathlib
import sys

from harness import BIN, Exporter, OvsDatabase, Testbed, accepts_connections, expect, recorded, run, wait_for
from two_nodes import BRIDGED_A, BRIDGED_B, NODE_A, NODE_B, ON_EXTERNAL, OUTSIDE, POD, SERVICE, TwoNodes

HERE = pathlib.Path(__file__).parent
TALK = HERE / "talk.py"
CONFIG = """
flowCollectorAddr: "127.0.0.1:47391:tcp"
flowPollInterval: "1s"
flowExportFrequency: 2
ovsFlowExporter: {{metadataSocket: {socket}, remoteNames: {remote}}}
"""
OBJECTS = f"""
kind: Pod
metadata: {{name: client, namespace: tests}}
spec: {{nodeName: node-a}}
status: {{phase: Running, podIPs: [{{ip: {POD}}}]}}
---
kind: Service
metadata: {{name: api, namespace: default}}
spec: {{type: ClusterIP, clusterIPs: [{SERVICE}], ports: [{{name: https, port: 443, protocol: TCP}}]}}
"""
NODE_OBJECT = """
---
kind: Node
metadata: {{name: {}}}
spec: {{podCIDRs: [{}]}}
status:
  addresses:
  - {{type: InternalIP, address: {}}}
  - {{type: InternalIP, address: "{}"}}
  - {{type: ExternalIP, address: {}}}
"""
# A connection that stays: it talks once and then waits for SIGTERM.
HOLD = """
import signal, socket, struct, sys
connection = socket.create_connection((sys.argv[1], int(sys.argv[2])))
connection.sendall(struct.pack("!QQ", 5000, 7000) + b"x" * 5000)
got = 0
while got < 7000:
    got += len(connection.recv(65536))
print("talked", flush=True)
signal.pause()
"""


def key_of(record):
    family = "IPv4" if "sourceIPv4Address" in record else "IPv6"
    return (record[f"source{family}Address"], record[f"destination{family}Address"], record["protocolIdentifier"],
            record["sourceTransportPort"], record["destinationTransportPort"])


class Side:
    """One Node: its bridge, k8s-bridge, exporter and collector."""

    def __init__(self, testbed, namespace, name, datapath_type, remote_names, objects):
        self.testbed, self.namespace = testbed, namespace
        database = OvsDatabase(testbed, namespace, datapath_type, vswitchd=datapath_type == "netdev")
        socket = testbed.folder / "metadata.sock"
        testbed.start(BIN / "k8s-bridge", "--static", objects, "--node-name", name, "--socket", socket)
        wait_for("the k8s-bridge", lambda: accepts_connections(socket))
        self.records_file = testbed.folder / "records.jsonl"
        testbed.start(BIN / "ipfix-dump", "--listen", "tcp:127.0.0.1:47391", namespace=namespace,
                      log=self.records_file.name)
        self.exporter = Exporter(testbed, database.rundir, CONFIG.format(socket=socket, remote=remote_names),
                                 namespace=namespace, node=name)

    def conntrack(self):
        return self.exporter.status()["conntrack"]

    def wait_for_polls(self, count=2):
        """Two: the first may have been under way."""
        before = self.conntrack()["polls"]
        wait_for(f"{count} polls", lambda: self.conntrack()["polls"] >= before + count)

    def records(self):
        """Of every flow, in order; the exporter is stopped, so that all of them have ended."""
        self.testbed.stop(self.exporter.process)
        flows = collections.defaultdict(list)
        for record in wait_for("the last records", lambda: recorded(self.records_file)):
            flows[key_of(record)].append(record)
        return flows


def serve(testbed, namespace, address, port):
    serving = testbed.start("python3", TALK, "serve", address, port, namespace=namespace)
    wait_for("the server", lambda: "serving" in serving.log.read_text())


def ask(namespace, protocol, address, port, send, receive, count):
    run("ip", "netns", "exec", namespace, "python3", TALK, "ask", protocol, address, port, send, receive, count)


def write_objects(path, *nodes):
    fresh = path.with_suffix(".new")
    cidrs = {"node-a": "10.77.1.0/24", "node-b": "10.77.2.0/24"}
    addresses = {"node-a": NODE_A, "node-b": NODE_B}
    fresh.write_text(OBJECTS + "".join(NODE_OBJECT.format(n, cidrs[n], *addresses[n]) for n in nodes))
    fresh.rename(path)


def a_node_known_late(testbed, nodes, side, objects):
    """A connection that is older than the news of its Node."""
    held = testbed.start("python3", "-c", HOLD, NODE_B[0], "5201", namespace=nodes.node_a)
    wait_for("a connection to node-b", lambda: "talked" in held.log.read_text())
    side.wait_for_polls()
    status = side.conntrack()
    expect(status["nodeFlows"]["zone0"] == "connections between Nodes", "zone 0 is read beside the bridge's")
    expect(status["nodeFlows"]["entriesTaken"] == 0 and status["nodeFlows"]["entriesLeftOut"] >= 2,
           "a connection to a Node that is not known is read and left out")
    expect(side.exporter.flows("zone=0") == [], "and is no flow")
    write_objects(objects, "node-a", "node-b")
    flow = wait_for("its flow once its Node is known", lambda: side.exporter.flows("zone=0"))[0]
    expect((flow["sourceNode"], flow["destinationNode"], flow["birthSeen"]) == ("node-a", "node-b", True),
           "it is a flow between the two Nodes as soon as both are known, counted from its beginning")


def traffic(nodes):
    ask(nodes.node_a, "tcp", NODE_B[0], 5201, 40000, 3000, 3)
    ask(nodes.node_a, "tcp", NODE_B[1], 5201, 1000, 90000, 2)
    ask(nodes.node_a, "udp", NODE_B[0], 5201, 5000, 0, 3)
    ask(nodes.node_a, "tcp", SERVICE, 443, 2000, 30000, 2)  # DNAT to node-b's host network
    ask(nodes.node_a, "tcp", BRIDGED_B, 5201, 20000, 6000, 2)  # zone 0, then the bridge's
    run("ip", "netns", "exec", nodes.node_a, "ping", "-q", "-c", "3", "-i", "0.2", NODE_B[0])
    ask(nodes.node_b, "tcp", NODE_A[0], 5202, 7000, 8000, 2)
    # What zone 0 has besides: a Pod's masqueraded traffic, NodePorts, and the host's with the world outside.
    ask(nodes.pod, "tcp", OUTSIDE, 5201, 3000, 3000, 1)
    ask(nodes.pod, "udp", OUTSIDE, 5201, 3000, 0, 1)
    ask(nodes.pod, "tcp", NODE_B[0], 5203, 3000, 3000, 1)
    ask(nodes.outside, "tcp", ON_EXTERNAL, 30080, 4000, 4000, 1)  # to the Pod
    ask(nodes.outside, "tcp", ON_EXTERNAL, 30081, 4000, 4000, 1)  # to node-b's host network
    ask(nodes.node_a, "udp", OUTSIDE, 5201, 2000, 0, 1)


def shown_while_it_lives(nodes, side_a, side_b):
    bridged = side_a.exporter.flows(f"dst={BRIDGED_B}")
    entries = [line for line in nodes.conntrack(BRIDGED_B) if "sport=5201" in line]
    in_bridge_zone = sum("zone=65520" in line for line in entries)
    expect((len(entries), in_bridge_zone) == (4, 2), "two connections passed zone 0 and the bridge's")
    expect(len(bridged) == 2, "and are two flows, not four")
    status = side_b.conntrack()
    expect(status["source"] == "userspace" and status["kernel"]["problem"] == "",
           "on node-b the bridge's zones are read from ovs-vswitchd, zone 0 from the kernel")
    expect(side_b.exporter.flows(f"src={NODE_A[0]}", "zone=0"), "node-b tracks what node-a began, too")
    for side in (side_a, side_b):
        status = side.conntrack()["nodeFlows"]
        expect(status["problem"] == "" and status["entriesTaken"] > 0 and status["entriesLeftOut"] > 0,
               f"exporter/status says what became of zone 0's entries: {status}")


def check_counts(flows, counted):
    for key, records in flows.items():
        source, destination, protocol, sport, dport = key
        if protocol not in (6, 17):
            continue
        last = records[-1]
        got = tuple(last[f"{count}TotalCount"] for count in ("packet", "octet", "reversePacket", "reverseOctet"))
        referee = counted[key] + counted[destination, source, protocol, dport, sport]
        expect(got == referee, f"{key}: totals {got} are the referee's {referee}")
        for count in ("packet", "octet", "reversePacket", "reverseOctet"):
            total, deltas = last[f"{count}TotalCount"], sum(r[f"{count}DeltaCount"] for r in records)
            expect(total == deltas, f"{key}: {count} deltas of {len(records)} records sum to {total}")


def check_node_a(flows, counted):
    between = {k for k in counted if k[0] in NODE_A and k[1] in NODE_B and k[4] == 5201}
    expect(len(between) == 1 + 3 + 2 + 3 + 2 + 2, "the referee saw 13 connections from node-a to node-b")
    pod_talked = ((POD, OUTSIDE, 5201), (POD, NODE_B[0], 5203), (OUTSIDE, POD, 5201))
    of_pod = {k for k in counted if (k[0], k[1], k[4]) in pod_talked}
    expect(len(of_pod) == 4, "and four of the Pod's")
    pings = {k for k in flows if k[2] == 1}
    expect(set(flows) - pings == between | of_pod, "node-a exports these 17 and nothing else of zone 0")
    expect({k[:2] for k in pings} == {(NODE_A[0], NODE_B[0])} and len(pings) == 1, "and one ping")
    ping = flows[pings.pop()][-1]
    expect((ping["packetTotalCount"], ping["octetTotalCount"]) == (3, 3 * 84), "of 3 packets of 84 octets")
    for key in between:
        record = flows[key][-1]
        expect((record["sourceNodeName"], record["destinationNodeName"]) == ("node-a", "node-b"), f"{key}: Nodes named")
        expect(record["sourcePodName"] == record["destinationPodName"] == "", f"{key}: no Pod")
    services = [r[-1] for k, r in flows.items() if r[-1].get("destinationServicePortName")]
    expect(len(services) == 2 and all(r["destinationServicePortName"] == "default/api:https" and
                                      r["destinationClusterIP"] == SERVICE and
                                      r["destinationIPv4Address"] == NODE_B[0] for r in services),
           "through the Service: its name and the endpoint behind it")
    expect(sum(key[0] == BRIDGED_A for key in flows) == 2, "a connection of both zones: one flow's records")


def check_node_b(flows, counted):
    between = {k for k in counted if k[0] in NODE_B and k[1] in NODE_A and k[4] == 5202}
    expect(len(between) == 2 and set(flows) == between, "node-b exports the two that it began, and nothing of node-a's")
    for key in between:
        record = flows[key][-1]
        expect((record["sourceNodeName"], record["destinationNodeName"]) == ("node-b", ""),
               f"{key}: named as remoteNames is off: this Node only")


def main():
    testbed_a, testbed_b = Testbed("node-a"), Testbed("node-b")
    nodes = TwoNodes(testbed_a, testbed_b)
    for namespace, address, port in ((nodes.node_b, NODE_B[0], 5201), (nodes.node_b, NODE_B[1], 5201),
                                     (nodes.node_b, BRIDGED_B, 5201), (nodes.node_b, NODE_B[0], 5203),
                                     (nodes.node_a, NODE_A[0], 5202), (nodes.pod, POD, 5201),
                                     (nodes.outside, OUTSIDE, 5201)):
        serve(testbed_a, namespace, address, port)
    objects = testbed_a.folder / "objects.yaml"
    write_objects(objects, "node-a")
    side_a = Side(testbed_a, nodes.node_a, "node-a", "system", "true", objects)
    side_b = Side(testbed_b, nodes.node_b, "node-b", "netdev", "false", objects)
    for side in (side_a, side_b):
        wait_for("the first polls", lambda: side.conntrack()["polls"] >= 2)  # pylint: disable=cell-var-from-loop
    a_node_known_late(testbed_a, nodes, side_a, objects)
    traffic(nodes)
    for side in (side_a, side_b):
        side.wait_for_polls(3)
    shown_while_it_lives(nodes, side_a, side_b)
    of_a, of_b, counted = side_a.records(), side_b.records(), nodes.counted()
    check_node_a(of_a, counted)
    check_node_b(of_b, counted)
    for flows in (of_a, of_b):
        check_counts(flows, counted)
    return 0


sys.exit(main())
