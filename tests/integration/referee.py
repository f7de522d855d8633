"""Counts independently of the exporter: nftables at the ingress of a Node's devices, per 5-tuple; octets are those of IP
packets."""

import json

from harness import run

TABLE = """
table netdev TABLE {
  set v4 { typeof ip saddr . ip daddr . ip protocol . th sport . th dport; flags dynamic; counter; size 65535; }
  set v6 { typeof ip6 saddr . ip6 daddr . ip6 nexthdr . th sport . th dport; flags dynamic; counter; size 65535; }
  chain arriving {
    type filter hook ingress device "DEVICE" priority filter; policy accept;
    ip protocol { tcp, udp } update @v4 { ip saddr . ip daddr . ip protocol . th sport . th dport }
    ip6 nexthdr { tcp, udp } update @v6 { ip6 saddr . ip6 daddr . ip6 nexthdr . th sport . th dport }
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
        counts = {}
        for table in self.tables:
            for family in ("v4", "v6"):
                listing = json.loads(run("ip", "netns", "exec", self.namespace, "nft", "-j", "list", "set", "netdev",
                                         table, family))
                for item in listing["nftables"]:
                    for element in item.get("set", {}).get("elem", []):
                        counter = element["elem"]["counter"]
                        source, destination, protocol, sport, dport = element["elem"]["val"]["concat"]
                        protocol = {"tcp": 6, "udp": 17}.get(protocol, protocol)
                        counts[source, destination, protocol, sport, dport] = (counter["packets"], counter["bytes"])
        return counts
