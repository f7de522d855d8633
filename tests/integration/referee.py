"""Counts independently of the exporter: nftables at the ingress of a Node's devices, per 5-tuple; octets are those of IP
packets."""

import json

from harness import run

TABLE = """
table netdev TABLE {
  set v4 { typeof ip saddr . ip daddr . ip protocol . th sport . th dport; flags dynamic; counter; size 65535; }
  set v6 { typeof ip6 saddr . ip6 daddr . ip6 nexthdr . th sport . th dport; flags dynamic; counter; size 65535; }
  set echo4 { typeof ip saddr . ip daddr . icmp id; flags dynamic; counter; size 65535; }
  set echo6 { typeof ip6 saddr . ip6 daddr . icmpv6 id; flags dynamic; counter; size 65535; }
  chain arriving {
    type filter hook ingress device "DEVICE" priority filter; policy accept;
    ip protocol { tcp, udp } update @v4 { ip saddr . ip daddr . ip protocol . th sport . th dport }
    ip6 nexthdr { tcp, udp } update @v6 { ip6 saddr . ip6 daddr . ip6 nexthdr . th sport . th dport }
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
        return {(*ends, {"tcp": 6, "udp": 17}.get(protocol, protocol), sport, dport): count
                for (*ends, protocol, sport, dport), count in self._elements("v4", "v6")}

    def counted_echoes(self):
        """{(source, destination, identifier): (packets, octets)} of pings and their answers."""
        return {tuple(value): count for value, count in self._elements("echo4", "echo6")}

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
