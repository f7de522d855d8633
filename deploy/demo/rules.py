"""OpenFlow rules of one Node, in the shape of Antrea's pipeline (table numbers and marks of Antrea 0.10)."""

from cluster import IPV4_ZONE, IPV6_ZONE

CLASSIFIER, SPOOF_GUARD, CONNTRACK, CONNTRACK_STATE, SERVICE, L3, POLICY, COMMIT, OUTPUT = (
    0, 10, 30, 31, 42, 70, 90, 105, 110)
SERVICE_MARK, GATEWAY_MARK = "0x21", "0x20"


def _to(table):
    return f"resubmit(,{table})"


def _entry(node):
    yield f"table={CLASSIFIER},priority=210,ipv6,ipv6_dst=ff00::/8 actions=drop"  # neighbours are static
    yield f"table={CLASSIFIER},priority=200,in_port={node.UPLINK_PORT} actions={_to(CONNTRACK)}"
    yield f"table={CLASSIFIER},priority=200,in_port={node.GATEWAY_PORT} actions={_to(CONNTRACK)}"
    yield f"table={CLASSIFIER},priority=100,arp actions=NORMAL"
    for pod in node.pods:
        guarded = f"in_port={pod.ofport},dl_src={pod.mac}"
        yield f"table={CLASSIFIER},priority=190,in_port={pod.ofport} actions={_to(SPOOF_GUARD)}"
        yield f"table={SPOOF_GUARD},priority=200,ip,{guarded},nw_src={pod.ipv4} actions={_to(CONNTRACK)}"
        yield f"table={SPOOF_GUARD},priority=200,ipv6,{guarded},ipv6_src={pod.ipv6} actions={_to(CONNTRACK)}"


def _conntrack(cluster):
    yield f"table={CONNTRACK},priority=200,ip actions=ct(table={CONNTRACK_STATE},zone={IPV4_ZONE},nat)"
    yield f"table={CONNTRACK},priority=200,ipv6 actions=ct(table={CONNTRACK_STATE},zone={IPV6_ZONE},nat)"
    yield f"table={CONNTRACK_STATE},priority=200,ct_state=+inv+trk actions=drop"
    yield f"table={CONNTRACK_STATE},priority=190,ct_state=-new+trk actions={_to(L3)}"
    yield f"table={CONNTRACK_STATE},priority=0 actions={_to(SERVICE)}"
    for service in cluster.services:
        protocol = {6: "tcp", 17: "udp"}[service.protocol]
        yield (f"table={SERVICE},priority=200,{protocol},ct_state=+new+trk,nw_dst={service.cluster_ip},"
               f"tp_dst={service.port} actions=ct(commit,table={L3},zone={IPV4_ZONE},"
               f"nat(dst={service.endpoint.ipv4}:{service.target_port}),"
               f"exec(load:{SERVICE_MARK}->NXM_NX_CT_MARK[]))")
    yield f"table={SERVICE},priority=0 actions={_to(L3)}"


def _forwarding(cluster, node):
    def forward(match, mac, port, ttl=""):
        return (f"table={L3},priority=200,{match} actions=mod_dl_dst:{mac},{ttl}"
                f"load:{port:#x}->NXM_NX_REG1[0..15],{_to(POLICY)}")

    for pod in node.pods:
        yield forward(f"ip,nw_dst={pod.ipv4}", pod.mac, pod.ofport)
        yield forward(f"ipv6,ipv6_dst={pod.ipv6}", pod.mac, pod.ofport)
    for address in (node.gateway4, node.ipv4):
        yield forward(f"ip,nw_dst={address}", node.gateway_mac, node.GATEWAY_PORT)
    for address in (node.gateway6, node.ipv6):
        yield forward(f"ipv6,ipv6_dst={address}", node.gateway_mac, node.GATEWAY_PORT)
    for peer in cluster.nodes:
        if peer is not node:
            yield forward(f"ip,nw_dst={peer.cidr4}", peer.gateway_mac, node.UPLINK_PORT, "dec_ttl,")
            yield forward(f"ipv6,ipv6_dst={peer.cidr6}", peer.gateway_mac, node.UPLINK_PORT, "dec_ttl,")


def _commit(cluster, node):
    for family in ("tcp", "tcp6"):
        yield (f"table={POLICY},priority=200,{family},ct_state=+new+trk,tp_dst={cluster.denied_port} actions=drop")
    yield f"table={POLICY},priority=0 actions={_to(COMMIT)}"
    yield f"table={COMMIT},priority=210,ct_state=+new+trk,ct_mark={SERVICE_MARK} actions={_to(OUTPUT)}"
    for family, zone in (("ip", IPV4_ZONE), ("ipv6", IPV6_ZONE)):
        yield (f"table={COMMIT},priority=200,{family},ct_state=+new+trk,in_port={node.GATEWAY_PORT} "
               f"actions=ct(commit,table={OUTPUT},zone={zone},exec(load:{GATEWAY_MARK}->NXM_NX_CT_MARK[]))")
        yield f"table={COMMIT},priority=190,{family},ct_state=+new+trk actions=ct(commit,table={OUTPUT},zone={zone})"
    yield f"table={COMMIT},priority=0 actions={_to(OUTPUT)}"
    yield f"table={OUTPUT},priority=200,ip actions=output:NXM_NX_REG1[0..15]"
    yield f"table={OUTPUT},priority=200,ipv6 actions=output:NXM_NX_REG1[0..15]"


def openflow(cluster, node):
    """The whole table as text for `ovs-ofctl add-flows`."""
    lines = [*_entry(node), *_conntrack(cluster), *_forwarding(cluster, node), *_commit(cluster, node)]
    return "\n".join(lines) + "\n"
