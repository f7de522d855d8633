"""Translated connections on the kernel's own conntrack: what a record calls source, destination and Service, and that each
direction's counters are the referee's."""

import sys

from conntrack_lab import TCP, UDP, Lab, expect_exact
from harness import expect, run, wait_for
from namespace_sockets import TcpTalk, UdpTalk, listen, udp
from referee import Referee

POD1, POD2, POD1_V6, POD2_V6 = "10.77.1.2", "10.77.2.2", "fd77:1::2", "fd77:2::2"
GATEWAY1 = "10.77.1.1"  # what a hairpin's server sees as its client
NODE, WORLD = "192.0.2.1", "192.0.2.2"
WEB, WEB_V6, DNS, LOOP = "10.96.0.10", "fd00:96::10", "10.96.0.11", "10.96.0.12"
NAT = """
table inet nat {
  chain prerouting {
    type nat hook prerouting priority dstnat;
    ip daddr 10.96.0.10 tcp dport 80 dnat ip to 10.77.2.2:5201
    ip6 daddr fd00:96::10 tcp dport 80 dnat ip6 to [fd77:2::2]:5201
    ip daddr 10.96.0.11 udp dport 53 dnat ip to 10.77.2.2:5301
    ip daddr 10.96.0.12 tcp dport 80 dnat ip to 10.77.1.2:5203
    ip daddr 192.0.2.1 tcp dport { 30080, 30081 } dnat ip to 10.77.2.2:5201
  }
  chain postrouting {
    type nat hook postrouting priority srcnat;
    iifname "pod1" oifname "pod1" ip saddr 10.77.1.2 snat ip to 10.77.1.1
    oifname "world" ip saddr 10.77.0.0/16 meta l4proto tcp snat ip to 192.0.2.1:20000-20999
    iifname "world" meta l4proto tcp ct original proto-dst 30081 snat ip to 10.77.2.1
  }
}
"""
OBJECTS = """
kind: Node
metadata: {name: node-a}
spec: {podCIDRs: ["10.77.0.0/16", "fd77::/16"]}
status: {addresses: [{type: InternalIP, address: "192.0.2.1"}]}
---
kind: Pod
metadata: {name: client, namespace: shop, uid: p1}
spec: {nodeName: node-a}
status: {phase: Running, podIPs: [{ip: "10.77.1.2"}, {ip: "fd77:1::2"}]}
---
kind: Pod
metadata: {name: server, namespace: shop, uid: p2}
spec: {nodeName: node-a}
status: {phase: Running, podIPs: [{ip: "10.77.2.2"}, {ip: "fd77:2::2"}]}
---
kind: Service
metadata: {name: web, namespace: shop}
spec:
  type: NodePort
  clusterIP: 10.96.0.10
  clusterIPs: [10.96.0.10, "fd00:96::10"]
  ports: [{name: http, port: 80, nodePort: 30080}, {name: admin, port: 81, nodePort: 30081}]
---
kind: Service
metadata: {name: dns, namespace: kube-system}
spec: {clusterIP: 10.96.0.11, ports: [{port: 53, protocol: UDP}]}
---
kind: Service
metadata: {name: loop, namespace: shop}
spec: {clusterIP: 10.96.0.12, ports: [{name: http, port: 80}]}
"""


def outside_world(lab):
    """A host that is no Node and no Pod, beside the Node."""
    world = lab.testbed.namespace("world")
    run("ip", "-n", lab.node, "link", "add", "world", "type", "veth", "peer", "name", "eth0", "netns", world)
    macs = {lab.node: "0a:77:00:00:99:01", world: "0a:77:00:00:99:02"}
    for namespace, device, address, other, peer in ((lab.node, "world", NODE, WORLD, world),
                                                    (world, "eth0", WORLD, NODE, lab.node)):
        run("ip", "-n", namespace, "addr", "add", f"{address}/24", "dev", device)
        run("ip", "-n", namespace, "link", "set", device, "address", macs[namespace], "up")
        run("ip", "-n", namespace, "neigh", "add", other, "lladdr", macs[peer], "dev", device, "nud", "permanent")
        run("ip", "netns", "exec", namespace, "ethtool", "-K", device, "tso", "off", "gso", "off", "gro", "off", check=False)
    lab.on_node("sysctl", "-qw", "net.ipv4.conf.all.send_redirects=0", "net.ipv4.conf.pod1.send_redirects=0")
    lab.nft(NAT)
    return world, Referee(lab.node, ["world"])


class Case:
    """original and reply: what came in at the Pods' and the world's devices, as the referees know it. The record's
    source and destination follow from DESIGN: who asked, and who answered."""

    def __init__(self, what, protocol, original, reply, cluster_ip="0.0.0.0", service="", pods=("", "")):
        self.what, self.protocol, self.original, self.reply = what, protocol, original, reply
        self.cluster_ip, self.service, self.pods = cluster_ip, service, pods
        (source, sport, *_), (destination, dport, *_) = original, reply
        self.key = (source, destination, protocol, sport, dport)


def translated(lab, referees, talk, case, amounts):
    """One connection from its first packet to its last record."""
    counts = {}
    talk.say(*amounts)
    wait_for(f"{case.what} as a flow", lambda: lab.flow(f"sport={case.original[1]}"))
    talk.say(*amounts)
    if case.protocol == TCP:
        talk.close()
    lab.polled()
    lab.conntrack("-D", "-f", "ipv6" if ":" in case.original[0] else "ipv4", "-p",
                  "tcp" if case.protocol == TCP else "udp", "--orig-port-src", case.original[1])
    [records] = lab.ended(1, *case.key)
    for referee in referees:
        counts |= referee.counted()
    there, back = (counts[source, destination, case.protocol, sport, dport]
                   for source, sport, destination, dport in (case.original, case.reply))
    expect_exact(records, there + back, case.what)
    for record in records:
        got = record.get("destinationClusterIP", "0.0.0.0"), record["destinationServicePortName"]
        assert got == (case.cluster_ip, case.service), (case.what, got)
        assert (record["sourcePodName"], record["destinationPodName"]) == case.pods, (case.what, record)
    expect(True, f"{case.what}: {case.key}, cluster IP {case.cluster_ip}, Service {case.service!r}, Pods {case.pods}")


def main():
    lab = Lab("nat")
    world, referee = outside_world(lab)
    referees = lab.referee, referee
    (pod1, *_), (pod2, *_) = lab.pods.pods
    lab.start_bridge(OBJECTS)
    lab.export()
    wait_for("names", lambda: lab.status()["metadata"]["synced"])
    web, web_v6, loop = listen(pod2, POD2, 5201), listen(pod2, POD2_V6, 5201), listen(pod1, POD1, 5203)
    outside, dns = listen(world, WORLD, 443), udp(pod2, POD2, 5301)

    case = Case("DNAT", TCP, (POD1, 41001, WEB, 80), (POD2, 5201, POD1, 41001), WEB, "shop/web:http", ("client", "server"))
    translated(lab, referees, TcpTalk(pod1, POD1, 41001, web, (WEB, 80)), case, (20000, 3000))
    # The element is an IPv4 type: the record of IPv6 has none.
    case = Case("DNAT, IPv6", TCP, (POD1_V6, 41002, WEB_V6, 80), (POD2_V6, 5201, POD1_V6, 41002), service="shop/web:http",
                pods=("client", "server"))
    translated(lab, referees, TcpTalk(pod1, POD1_V6, 41002, web_v6, (WEB_V6, 80)), case, (100, 50000))
    case = Case("DNAT, UDP, a port without name", UDP, (POD1, 41003, DNS, 53), (POD2, 5301, POD1, 41003), DNS,
                "kube-system/dns", ("client", "server"))
    translated(lab, referees, UdpTalk(udp(pod1, POD1, 41003), dns, (DNS, 53)), case, (5, 60, 4, 300))
    case = Case("hairpin", TCP, (POD1, 41004, LOOP, 80), (POD1, 5203, GATEWAY1, 41004), LOOP, "shop/loop:http",
                ("client", "client"))
    translated(lab, referees, TcpTalk(pod1, POD1, 41004, loop, (LOOP, 80)), case, (700, 8000))

    talk = TcpTalk(pod1, POD1, 41005, outside)
    snat_port = talk.server.getpeername()[1]
    expect(20000 <= snat_port < 21000, "the world sees the Node's address and a port of the Node's")
    case = Case("SNAT", TCP, (POD1, 41005, WORLD, 443), (WORLD, 443, NODE, snat_port), pods=("client", ""))
    translated(lab, referees, talk, case, (4000, 4000))

    case = Case("NodePort", TCP, (WORLD, 41006, NODE, 30080), (POD2, 5201, WORLD, 41006), WEB, "shop/web:http",
                ("", "server"))
    translated(lab, referees, TcpTalk(world, WORLD, 41006, web, (NODE, 30080)), case, (900, 7000))
    talk = TcpTalk(world, WORLD, 41007, web, (NODE, 30081))
    expect(talk.server.getpeername()[0] == "10.77.2.1", "the Pod sees the Node as its client")
    case = Case("NodePort with SNAT", TCP, (WORLD, 41007, NODE, 30081), (POD2, 5201, *talk.server.getpeername()), WEB,
                "shop/web:admin", ("", "server"))
    translated(lab, referees, talk, case, (50, 20))
    lab.stop()
    return 0


sys.exit(main())
