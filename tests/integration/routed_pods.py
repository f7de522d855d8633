"""Two "Pods" behind a routing namespace whose kernel conntrack tracks their traffic in the zones that OVS would use.

The zones are set by nftables instead of an OpenFlow rule, as this needs no openvswitch kernel module: conntrack entries,
counters and timestamps are the kernel's own."""

from harness import run
from referee import Referee

ZONES = """
table inet zones {
  chain prerouting {
    type filter hook prerouting priority raw; policy accept;
    meta nfproto ipv4 ct zone set 65520
    meta nfproto ipv6 meta l4proto { tcp, udp, icmpv6 } ct zone set 65510
  }
  chain forward { type filter hook forward priority filter; ct state new accept; }
}
"""


class RoutedPods:
    """node: the namespace between them; pods[i]: (namespace, IPv4, IPv6)."""

    def __init__(self, testbed):
        self.node = testbed.namespace("node")
        self.pods = []
        for index in (1, 2):
            self.pods.append(self._pod(testbed, index))
        for setting in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"):
            run("ip", "netns", "exec", self.node, "sysctl", "-qw", f"{setting}=1")
        run("ip", "netns", "exec", self.node, "nft", "-f", "-", input=ZONES)
        self.referee = Referee(self.node, ["pod1", "pod2"])

    def _pod(self, testbed, index):
        pod = testbed.namespace(f"pod{index}")
        device = f"pod{index}"
        macs = {1: f"0a:77:00:00:{index:02}:01", 2: f"0a:77:00:00:{index:02}:02"}
        run("ip", "-n", self.node, "link", "add", device, "type", "veth", "peer", "name", "eth0", "netns", pod)
        v4, v6 = f"10.77.{index}.2", f"fd77:{index}::2"
        for namespace, name, host in ((self.node, device, 1), (pod, "eth0", 2)):
            run("ip", "-n", namespace, "addr", "add", f"10.77.{index}.{host}/24", "dev", name)
            run("ip", "-n", namespace, "addr", "add", f"fd77:{index}::{host}/64", "dev", name, "nodad")
            run("ip", "-n", namespace, "link", "set", name, "address", macs[host], "up")
            # Known neighbours: a packet that waits for its neighbour and is dropped was seen by the referee only.
            for address in (f"10.77.{index}.{3 - host}", f"fd77:{index}::{3 - host}"):
                run("ip", "-n", namespace, "neigh", "add", address, "lladdr", macs[3 - host], "dev", name, "nud",
                    "permanent")
            # Segments as they are on the wire, so that both sides of a comparison count the same packets.
            run("ip", "netns", "exec", namespace, "ethtool", "-K", name, "tso", "off", "gso", "off", "gro", "off",
                check=False)
        run("ip", "-n", pod, "route", "add", "default", "via", f"10.77.{index}.1")
        run("ip", "-n", pod, "-6", "route", "add", "default", "via", f"fd77:{index}::1")
        return pod, v4, v6
