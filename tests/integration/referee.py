"""Counts independently of the exporter: nftables at the ingress of a Node's devices, per 5-tuple; octets are those of
IP packets. A packet's first fragment stands under its ports, the others, which have none, under their addresses."""

import json

from harness import run

PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17, "ipv6-icmp": 58, "icmpv6": 58}
TABLE = """
table netdev TABLE {
  set v4 { typeof ip saddr . ip daddr . ip protocol . th sport . th dport; flags dynamic; counter; size 65535; }
  set v6 { typeof ip6 saddr . ip6 daddr . meta l4proto . th sport . th dport; flags dynamic; counter; size 65535; }
  set later4 { typeof ip saddr . ip daddr . ip protocol; flags dynamic; counter; size 65535; }
  set later6 { typeof ip6 saddr . ip6 daddr . meta l4proto; flags dynamic; counter; size 65535; }
  set echo4 { typeof ip saddr . ip daddr . icmp id; flags dynamic; counter; size 65535; }
  set echo6 { typeof ip6 saddr . ip6 daddr . icmpv6 id; flags dynamic; counter; size 65535; }
  chain arriving {
    type filter hook ingress device "DEVICE" priority filter; policy accept;
    ip protocol { tcp, udp } update @v4 { ip saddr . ip daddr . ip protocol . th sport . th dport }
    ip6 version 6 meta l4proto { tcp, udp } update @v6 { ip6 saddr . ip6 daddr . meta l4proto . th sport . th dport }
    ip frag-off & 0x1fff != 0 update @later4 { ip saddr . ip daddr . ip protocol }
    frag frag-off != 0 update @later6 { ip6 saddr . ip6 daddr . meta l4proto }
    icmp type { echo-request, echo-reply } update @echo4 { ip saddr . ip daddr . icmp id }
    icmpv6 type { echo-request, echo-reply } update @echo6 { ip6 saddr . ip6 daddr . icmpv6 id }
  }
}
"""


class Referee:
    def __init__(self, namespace, devices):
        self.namespace = namespace
        self.tables = [f"referee_{device}" for device in devices]
        for device, table in zip(devices, self.tables):
            run("ip", "netns", "exec", namespace, "nft", "-f", "-",
                input=TABLE.replace("TABLE", table).replace("DEVICE", device))

    def counted(self):
        """{(source, destination, protocol, source port, destination port): (packets, octets)} of what came in."""
        return {(*ends, PROTOCOLS.get(protocol, protocol), sport, dport): count
                for (*ends, protocol, sport, dport), count in self._elements("v4", "v6")}

    def counted_echoes(self):
        """{(source, destination, identifier): (packets, octets)} of pings and their answers."""
        return {tuple(value): count for value, count in self._elements("echo4", "echo6")}

    def counted_later_fragments(self):
        """{(source, destination, protocol): (packets, octets)} of fragments but for each packet's first."""
        return {(*ends, PROTOCOLS.get(protocol, protocol)): count
                for (*ends, protocol), count in self._elements("later4", "later6")}

    def of(self, source, destination, protocol, sport, dport):
        """(packets, octets, packets back, octets back) of a connection that nothing translates."""
        counts = self.counted()
        return (counts.get((source, destination, protocol, sport, dport), (0, 0)) +
                counts.get((destination, source, protocol, dport, sport), (0, 0)))

    def _elements(self, *sets):
        for table in self.tables:
            for name in sets:
                listing = json.loads(run("ip", "netns", "exec", self.namespace, "nft", "-j", "list", "set", "netdev",
                                         table, name))
                for item in listing["nftables"]:
                    for element in item.get("set", {}).get("elem", []):
                        counter = element["elem"]["counter"]
                        yield element["elem"]["val"]["concat"], (counter["packets"], counter["bytes"])
