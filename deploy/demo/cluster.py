"""The demo's cluster: two Nodes, four Pods, two Services, with every name, address and port drawn at random.

Nothing here touches the machine. The same seed draws the same cluster.
"""

import ipaddress
import random
from dataclasses import dataclass, field

# Servers listen below, clients bind within this range: the destination port tells which way a connection was opened.
CLIENT_PORTS = range(33000, 61000)
SERVER_PORTS = range(1024, 32000)

IPV4_ZONE, IPV6_ZONE = 65520, 65510  # Antrea's conntrack zones


@dataclass(frozen=True)
class Pod:
    namespace: str
    name: str
    uid: str
    node: str
    ipv4: str
    ipv6: str
    mac: str
    ofport: int
    interface: str  # the Node's end of the veth
    tcp_port: int
    udp_port: int

    def address(self, family):
        return self.ipv4 if family == 4 else self.ipv6


@dataclass(frozen=True)
class Node:
    name: str
    ipv4: str  # the Node's own addresses, on its loopback
    ipv6: str
    cidr4: str
    cidr6: str
    gateway4: str
    gateway6: str
    gateway_mac: str
    tcp_port: int
    pods: tuple = ()

    UPLINK_PORT = 1
    GATEWAY_PORT = 2

    def address(self, family):
        return self.ipv4 if family == 4 else self.ipv6

    def gateway(self, family):
        return self.gateway4 if family == 4 else self.gateway6

    @property
    def observation_domain(self):
        """32-bit FNV-1 of the name: what the exporter of this Node calls itself."""
        value = 0x811C9DC5
        for octet in self.name.encode():
            value = value * 0x01000193 & 0xFFFFFFFF ^ octet
        return value


@dataclass(frozen=True)
class Service:
    namespace: str
    name: str
    port_name: str
    cluster_ip: str
    port: int
    protocol: int
    endpoint: Pod
    target_port: int

    @property
    def port_label(self):
        return f"{self.namespace}/{self.name}:{self.port_name}"


@dataclass(frozen=True)
class Cluster:
    seed: int
    nodes: tuple
    services: tuple
    denied_port: int  # TCP: dropped by policy on both Nodes
    pods: tuple = field(default=())

    def pod_at(self, address):
        return next((p for p in self.pods if address in (p.ipv4, p.ipv6)), None)

    def node_named(self, name):
        return next(n for n in self.nodes if n.name == name)

    def node_at(self, address):
        """The Node that an address of its own or its gateway belongs to."""
        return next((n for n in self.nodes if address in (n.ipv4, n.ipv6, n.gateway4, n.gateway6)), None)

    def service_at(self, address, port, protocol):
        return next((s for s in self.services if (s.cluster_ip, s.port, s.protocol) == (address, port, protocol)), None)


_NAMESPACES = ("shop", "billing", "media", "search", "ledger", "orders", "people", "metrics")
_APPS = ("cart", "web", "cache", "api", "worker", "queue", "auth", "feed", "image", "mail", "index", "ship")
_PORT_NAMES = ("http", "grpc", "rpc", "data", "sync", "push", "pull", "admin")
_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"  # the letters Kubernetes draws generated names from


def _suffix(rng, length):
    return "".join(rng.choice(_SUFFIX) for _ in range(length))


def _pod(rng, take_port, node_name, cidr4, cidr6, octet, index, app):
    ipv4 = ipaddress.ip_network(cidr4)[octet]
    return Pod(
        namespace=f"{rng.choice(_NAMESPACES)}-{_suffix(rng, 3)}",
        name=f"{app}-{_suffix(rng, 9)}-{_suffix(rng, 5)}",
        uid="-".join("%0*x" % (n, rng.getrandbits(4 * n)) for n in (8, 4, 4, 4, 12)),
        node=node_name,
        ipv4=str(ipv4),
        ipv6=str(ipaddress.ip_network(cidr6)[rng.randrange(2, 65000)]),
        mac="0a:%02x:%02x:%02x:%02x:%02x" % (0x10 + index, *ipv4.packed),
        ofport=3 + index,
        interface=f"{app}-{_suffix(rng, 5)}",
        tcp_port=take_port(),
        udp_port=take_port(),
    )


def draw(seed):
    rng = random.Random(seed)
    ports = iter(rng.sample(SERVER_PORTS, 32))
    take_port = lambda: next(ports)
    second, service_second = rng.sample(range(1, 255), 2)
    thirds = rng.sample(range(256), 2)
    v6_prefix = "fd%02x:%x:%x" % (rng.getrandbits(8), rng.getrandbits(16) | 1, rng.getrandbits(16) | 1)
    v6_subnets = rng.sample(range(1, 0xFFFF), 2)
    apps = rng.sample(_APPS, 4)
    host_octets = rng.sample(range(1, 255), 2)

    nodes = []
    for n in range(2):
        name = f"node-{_suffix(rng, 5)}"
        cidr4 = f"10.{second}.{thirds[n]}.0/24"
        cidr6 = "%s:%x::/64" % (v6_prefix, v6_subnets[n])
        octets = rng.sample(range(2, 255), 2)
        pods = tuple(_pod(rng, take_port, name, cidr4, cidr6, octets[i], i, apps[2 * n + i]) for i in range(2))
        gateway4 = ipaddress.ip_network(cidr4)[1]
        nodes.append(Node(
            name=name,
            ipv4=f"192.0.2.{host_octets[n]}",
            ipv6="2001:db8::%x" % host_octets[n],
            cidr4=cidr4,
            cidr6=cidr6,
            gateway4=str(gateway4),
            gateway6=str(ipaddress.ip_network(cidr6)[1]),
            gateway_mac="0a:01:%02x:%02x:%02x:%02x" % tuple(gateway4.packed),
            tcp_port=take_port(),
            pods=pods,
        ))

    def service(protocol, endpoint, target_port):
        return Service(
            namespace=f"{rng.choice(_NAMESPACES)}-{_suffix(rng, 3)}",
            name=f"{rng.choice(_APPS)}-{_suffix(rng, 4)}",
            port_name=f"{rng.choice(_PORT_NAMES)}-{_suffix(rng, 2)}",
            cluster_ip=f"10.{service_second}.{rng.randrange(256)}.{rng.randrange(1, 255)}",
            port=take_port(), protocol=protocol, endpoint=endpoint, target_port=target_port)

    tcp_endpoint, udp_endpoint = nodes[1].pods[1], nodes[0].pods[1]
    services = (service(6, tcp_endpoint, tcp_endpoint.tcp_port), service(17, udp_endpoint, udp_endpoint.udp_port))
    return Cluster(seed=seed, nodes=tuple(nodes), services=services, denied_port=take_port(),
                   pods=nodes[0].pods + nodes[1].pods)
