"""Counts every connection of every Pod with nftables, independently of Open vSwitch and of the exporter.

Two places per Pod, both at the ingress hook of a device: the Node's end of its veth (what the Pod sent into OVS) and
eth0 inside it (what OVS delivered); one per Node, the gateway port (what OVS delivered to the Node). Counters are per
5-tuple, in packets and octets of the IP packet.
"""

import json

from process import command
from topology import GATEWAY

_TABLE = """\
table netdev {name} {{
  set ports4 {{ typeof ip saddr . ip daddr . ip protocol . th sport . th dport; flags dynamic; counter; size 65535; }}
  set ports6 {{ typeof ip6 saddr . ip6 daddr . ip6 nexthdr . th sport . th dport; flags dynamic; counter; size 65535; }}
  set echo4 {{ typeof ip saddr . ip daddr . icmp type . icmp id; flags dynamic; counter; size 65535; }}
  set echo6 {{ typeof ip6 saddr . ip6 daddr . icmpv6 type . icmpv6 id; flags dynamic; counter; size 65535; }}
  chain count {{
    type filter hook ingress device "{device}" priority 0;
    ip protocol {{ tcp, udp }} update @ports4 {{ ip saddr . ip daddr . ip protocol . th sport . th dport }}
    ip6 nexthdr {{ tcp, udp }} update @ports6 {{ ip6 saddr . ip6 daddr . ip6 nexthdr . th sport . th dport }}
    icmp type {{ echo-request, echo-reply }} update @echo4 {{ ip saddr . ip daddr . icmp type . icmp id }}
    icmpv6 type {{ echo-request, echo-reply }} update @echo6 {{ ip6 saddr . ip6 daddr . icmpv6 type . icmpv6 id }}
  }}
}}
"""

PROTOCOLS = {"tcp": 6, "udp": 17}
# Echo messages as (protocol, "destination port"): type × 256 + code, as flow records have it.
ECHO = {"echo4": (1, {"echo-request": 8 << 8, "echo-reply": 0}),
        "echo6": (58, {"echo-request": 128 << 8, "echo-reply": 129 << 8})}


def _places(sides):
    """(Pod or Node name, "sent" or "received", namespace, device, table)."""
    for side in sides:
        yield side.node.name, "received", side.namespace, GATEWAY, "referee_gateway"
        for pod in side.node.pods:
            yield pod.name, "sent", side.namespace, pod.interface, f"referee_{pod.ofport}"
            yield pod.name, "received", side.pod_namespaces[pod.name], "eth0", "referee"


def install(sides):
    for _, _, namespace, device, table in _places(sides):
        command(["nft", "-f", "-"], stdin=_TABLE.format(name=table, device=device), namespace=namespace)


def parse(nft_json):
    """`nft -j list table` → {(source, destination, protocol, source port, destination port): (packets, octets)}."""
    counters = {}
    for item in json.loads(nft_json)["nftables"]:
        for element in item.get("set", {}).get("elem", []):
            value, counter = element["elem"]["val"]["concat"], element["elem"]["counter"]
            if item["set"]["name"] in ECHO:
                protocol, types = ECHO[item["set"]["name"]]
                key = (value[0], value[1], protocol, value[3], types[value[2]])
            else:
                key = (value[0], value[1], PROTOCOLS[value[2]], value[3], value[4])
            counters[key] = (counter["packets"], counter["bytes"])
    return counters


def read(sides):
    """{Pod or Node name: {"sent": counters, "received": counters}}."""
    readings = {}
    for name, direction, namespace, _, table in _places(sides):
        text = command(["nft", "-j", "list", "table", "netdev", table], namespace=namespace)
        readings.setdefault(name, {})[direction] = parse(text)
    return readings
