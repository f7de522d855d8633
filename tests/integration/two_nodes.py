"""Two Nodes on a wire, with the connections of a cluster that their kernels' conntrack tracks in zone 0, and beside
them what a bridge's zones show.

node-a: a Pod behind what stands for the bridge: its packets are tracked in zone 65520, cross the veth pair gw0/gw1 (a
packet that crosses a veth is tracked anew) and are the host's, in zone 0, from there on: masqueraded, or from a
NodePort. Connections to 203.0.113.2 take the same way round, as on a Node whose uplink is a port of the bridge.
node-b: the host's connections only. A client is outside the cluster, behind node-a."""

from harness import run
from referee import Referee

NODE_A, NODE_B = ("192.0.2.1", "fd00:c2::1", "203.0.113.1"), ("192.0.2.2", "fd00:c2::2", "203.0.113.2")
BRIDGED_A, BRIDGED_B = NODE_A[2], NODE_B[2]
POD, OUTSIDE, ON_EXTERNAL = "10.77.1.2", "198.51.100.9", "198.51.100.1"
SERVICE = "10.96.0.10"  # its endpoint is on node-b's host network

RULES_A = f"""
table inet zones {{
  chain prerouting {{
    type filter hook prerouting priority raw; policy accept;
    iifname {{ "pod", "gw0" }} ct zone set 65520
    iifname "wire" ip daddr {BRIDGED_A} ct zone set 65520
  }}
}}
table ip nat {{
  chain prerouting {{
    type nat hook prerouting priority dstnat; policy accept;
    iifname "ext" tcp dport 30080 dnat to {POD}:5201
    iifname "ext" tcp dport 30081 dnat to {NODE_B[0]}:5203
  }}
  chain output {{
    type nat hook output priority -100; policy accept;
    ip daddr {SERVICE} tcp dport 443 dnat to {NODE_B[0]}:5201
  }}
  chain postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    oifname "ext" ip saddr {POD} masquerade
    oifname "wire" ip saddr {{ {POD}, {OUTSIDE} }} masquerade
  }}
}}
"""
# So that conntrack is at work there.
RULES_B = """
table inet filter {
  chain input { type filter hook input priority filter; policy accept; ct state new accept; }
}
"""
GW = {"gw0": "0a:79:00:00:00:01", "gw1": "0a:79:00:00:00:02"}
VIA_GW0, VIA_GW1 = ("via", "169.254.77.9", "dev", "gw0", "onlink"), ("via", "169.254.77.8", "dev", "gw1", "onlink")


class TwoNodes:
    def __init__(self, testbed_a, testbed_b):
        self.node_a, self.node_b = testbed_a.namespace("node-a"), testbed_b.namespace("node-b")
        self.pod, self.outside = testbed_a.namespace("pod"), testbed_a.namespace("outside")
        for namespace in (self.node_a, self.node_b):
            for setting in ("ipv4.ip_forward=1", "ipv4.conf.all.rp_filter=0", "ipv4.conf.default.rp_filter=0"):
                self._in(namespace, "sysctl", "-qw", f"net.{setting}")
        self._pair((self.node_a, "wire"), (self.node_b, "wire"), "0a:79:00:00:01")
        self._pair((self.node_a, "ext"), (self.outside, "eth0"), "0a:79:00:00:02")
        self._pair((self.node_a, "pod"), (self.pod, "eth0"), "0a:79:00:00:03")
        self._pair((self.node_a, "gw0"), (self.node_a, "gw1"), "0a:79:00:00:00")
        self._addresses(self.node_a, NODE_A, NODE_B, "0a:79:00:00:01:02")
        self._addresses(self.node_b, NODE_B, NODE_A, "0a:79:00:00:01:01")
        self._routes()
        self._routes_round_the_bridge()
        for namespace, rules in ((self.node_a, RULES_A), (self.node_b, RULES_B)):
            self._in(namespace, "nft", "-f", "-", input=rules)
        self.referee_a = Referee(self.node_a, ["wire", "pod", "gw0"])
        self.referee_b = Referee(self.node_b, ["wire"])

    def counted(self):
        """As on the wire and at the Pod; what arrives at gw0 for node-b is counted at node-b as well, and alike."""
        return {**self.referee_a.counted(), **self.referee_b.counted()}

    def conntrack(self, destination):
        """node-a's entries, by original destination."""
        return self._in(self.node_a, "conntrack", "-L", "-o", "extended", "-d", destination).splitlines()

    @staticmethod
    def _in(namespace, *command, **options):
        return run("ip", "netns", "exec", namespace, *command, **options)

    def _pair(self, one, other, mac):
        ends = ((*one, f"{mac}:01"), (*other, f"{mac}:02"))
        run("ip", "-n", one[0], "link", "add", one[1], "type", "veth", "peer", "name", other[1], "netns", other[0])
        for namespace, device, address in ends:
            # Segments as they are on the wire, so that both sides of a comparison count the same packets: a host's own
            # TCP otherwise passes conntrack in larger ones, which are cut behind it (GSO).
            run("ip", "-n", namespace, "link", "set", device, "address", address, "gso_max_segs", "1", "up")
            self._in(namespace, "ethtool", "-K", device, "tx", "off", "tso", "off", "gso", "off", "gro", "off",
                     check=False)

    # Known beforehand: a packet that waits for its neighbour and is dropped was seen by conntrack only.
    @staticmethod
    def _neighbour(namespace, device, address, mac):
        run("ip", "-n", namespace, "neigh", "replace", address, "lladdr", mac, "dev", device, "nud", "permanent")

    def _addresses(self, namespace, own, peer, mac_of_peer):
        run("ip", "-n", namespace, "addr", "add", f"{own[0]}/24", "dev", "wire")
        run("ip", "-n", namespace, "addr", "add", f"{own[1]}/64", "dev", "wire", "nodad")
        run("ip", "-n", namespace, "addr", "add", f"{own[2]}/32", "dev", "lo")
        for address in peer[:2]:
            self._neighbour(namespace, "wire", address, mac_of_peer)

    def _routes(self):
        run("ip", "-n", self.node_a, "addr", "add", f"{ON_EXTERNAL}/24", "dev", "ext")
        run("ip", "-n", self.outside, "addr", "add", f"{OUTSIDE}/24", "dev", "eth0")
        self._neighbour(self.node_a, "ext", OUTSIDE, "0a:79:00:00:02:02")
        self._neighbour(self.outside, "eth0", ON_EXTERNAL, "0a:79:00:00:02:01")
        run("ip", "-n", self.node_a, "route", "add", SERVICE, "via", NODE_B[0], "src", NODE_A[0])
        run("ip", "-n", self.node_b, "route", "add", BRIDGED_A, "via", NODE_A[0])
        run("ip", "-n", self.pod, "addr", "add", f"{POD}/24", "dev", "eth0")
        run("ip", "-n", self.pod, "route", "add", "default", "via", "10.77.1.1")
        self._neighbour(self.pod, "eth0", "10.77.1.1", "0a:79:00:00:03:01")
        self._neighbour(self.node_a, "pod", POD, "0a:79:00:00:03:02")

    def _routes_round_the_bridge(self):
        """Out of gw1 and in at gw0 to the bridge's side, and the other way round back to the host."""
        def ip(*arguments):
            run("ip", "-n", self.node_a, *arguments)

        self._neighbour(self.node_a, "gw0", VIA_GW0[1], GW["gw1"])
        self._neighbour(self.node_a, "gw1", VIA_GW1[1], GW["gw0"])
        # gw0 gets what the host itself sent; and a packet on its way to gw0 must not be taken for its socket's at once.
        for setting in ("conf.gw0.accept_local=1", "ip_early_demux=0"):
            self._in(self.node_a, "sysctl", "-qw", f"net.ipv4.{setting}")
        ip("route", "add", POD, *VIA_GW1)
        ip("route", "add", BRIDGED_B, *VIA_GW1, "src", BRIDGED_A)
        ip("route", "add", "default", *VIA_GW0, "table", "101")  # from the bridge to the host
        ip("route", "add", POD, "dev", "pod", "table", "102")  # from the host to the bridge
        ip("route", "add", BRIDGED_B, "via", NODE_B[0], "dev", "wire", "table", "102")
        ip("rule", "add", "pref", "5", "iif", "wire", "to", BRIDGED_A, "lookup", "101")
        ip("rule", "add", "pref", "6", "lookup", "local")
        ip("rule", "del", "pref", "0")
        ip("rule", "add", "pref", "10", "iif", "pod", "lookup", "101")
        ip("rule", "add", "pref", "11", "iif", "gw0", "lookup", "102")
