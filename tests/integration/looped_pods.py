"""The two Pods of routed_pods, whose packets pass the Node's connection tracking twice, as those between two ports of OVN
or through an SNAT zone do: routed, out by one end of a veth pair, in by the other, routed again, in another zone."""

from harness import run
from routed_pods import RoutedPods

FIRST_ZONE, SECOND_ZONE = 65520, 65510  # of a packet from pod1; the other way round for one from pod2
ZONES = f"""
delete table inet zones
table inet zones {{
  chain prerouting {{
    type filter hook prerouting priority raw; policy accept;
    iifname {{ "pod1", "loop1" }} ct zone set {FIRST_ZONE}
    iifname {{ "pod2", "loop2" }} ct zone set {SECOND_ZONE}
  }}
  chain forward {{ type filter hook forward priority filter; ct state new accept; }}
}}
"""


class LoopedPods(RoutedPods):
    def __init__(self, testbed):
        super().__init__(testbed)
        macs = {"loop1": "0a:77:00:00:98:01", "loop2": "0a:77:00:00:98:02"}
        run("ip", "-n", self.node, "link", "add", "loop1", "type", "veth", "peer", "name", "loop2")
        for device in macs:
            run("ip", "-n", self.node, "link", "set", device, "address", macs[device], "up")
            run("ip", "netns", "exec", self.node, "ethtool", "-K", device, "tso", "off", "gso", "off", "gro", "off",
                check=False)
        for arrives, leaves, neighbour, target in (("pod1", "loop1", "loop2", "10.77.2.0/24"),
                                                   ("pod2", "loop2", "loop1", "10.77.1.0/24")):
            gateway, table = f"10.98.0.{neighbour[-1]}", f"10{arrives[-1]}"
            run("ip", "-n", self.node, "neigh", "add", gateway, "lladdr", macs[neighbour], "dev", leaves, "nud", "permanent")
            run("ip", "-n", self.node, "route", "add", target, "via", gateway, "dev", leaves, "onlink", "table", table)
            run("ip", "-n", self.node, "rule", "add", "iif", arrives, "lookup", table)
        for device in ("all", "loop1", "loop2", "pod1", "pod2"):
            run("ip", "netns", "exec", self.node, "sysctl", "-qw", f"net.ipv4.conf.{device}.rp_filter=0")
        run("ip", "netns", "exec", self.node, "nft", "-f", "-", input=ZONES)
