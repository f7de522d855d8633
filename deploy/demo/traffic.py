"""Who talks to whom in the demo, and the processes that do it."""

import json
import os
import signal
import subprocess
import sys

from cluster import CLIENT_PORTS
from process import DemoError

_HERE = os.path.dirname(os.path.abspath(__file__))
_PORTS_PER_TALK = 1500

# A run in which every connection keeps a source port of its own must not be longer than this.
MAX_SECONDS_WITHOUT_REUSE = 1800


class _Plan:
    """Collects talks per speaker; each talk has a range of source ports for itself."""

    def __init__(self):
        self.talks = {}  # speaker (Pod name or Node name) → entries

    def add(self, speaker, source, destination, protocol, port, lasts, every):
        entries = self.talks.setdefault(speaker, [])
        first = CLIENT_PORTS.start + _PORTS_PER_TALK * len(entries) + port % 97
        if first + _PORTS_PER_TALK > CLIENT_PORTS.stop:
            raise ValueError(f"{speaker} has more talks than source ports")
        entries.append(dict(protocol=protocol, source=source, destination=destination, port=port, lasts=lasts,
                            every=every, first_port=first, port_count=_PORTS_PER_TALK - 97))


def plan(cluster):
    """{speaker: [talk…]}. lasts None: one connection for the whole run, 0: one exchange, then a new connection."""
    result = _Plan()
    (a1, a2), (b1, b2) = (n.pods for n in cluster.nodes)
    node_a, node_b = cluster.nodes
    tcp_service, udp_service = cluster.services

    def pod(source, destination, protocol, family, lasts=None, every=2.0):
        port = {"tcp": destination.tcp_port, "udp": destination.udp_port, "probe": cluster.denied_port}.get(protocol, 0)
        result.add(source.name, source.address(family), destination.address(family), protocol, port, lasts, every)

    def to_service(source, service, lasts, every=2.0):
        protocol = {6: "tcp", 17: "udp"}[service.protocol]
        result.add(source.name, source.ipv4, service.cluster_ip, protocol, service.port, lasts, every)

    # On one Node.
    for protocol in ("tcp", "udp", "ping"):
        for family in (4, 6):
            pod(a1, a2, protocol, family)
    pod(b1, b2, "tcp", 4, lasts=0, every=2.5)
    pod(b1, b2, "udp", 4, lasts=3, every=5)
    # Across Nodes, both ways.
    pod(a1, b1, "tcp", 4)
    pod(a2, b2, "udp", 4)
    pod(b2, a1, "tcp", 4, lasts=5, every=6)
    pod(b1, a1, "udp", 4, lasts=0, every=3)
    pod(a2, b1, "tcp", 6)
    pod(b1, a2, "udp", 6)
    pod(b2, a2, "tcp", 6, lasts=0, every=3)
    pod(a1, b2, "ping", 4, lasts=4, every=6)
    pod(b1, a1, "ping", 6)
    # To Services: endpoint on the other Node, then on the client's own.
    to_service(a1, tcp_service, lasts=None)
    to_service(a2, tcp_service, lasts=0, every=2.5)
    to_service(b2, udp_service, lasts=None)
    to_service(b1, tcp_service, lasts=0, every=3)
    to_service(a1, udp_service, lasts=3, every=5)
    # To the Node and from it.
    for source, node in ((a2, node_a), (b1, node_b)):
        for family in (4, 6):
            result.add(source.name, source.address(family), node.address(family), "tcp", node.tcp_port, 2, 4.0)
    for node, destination in ((node_a, a1), (node_b, b2)):
        result.add(node.name, node.gateway4, destination.ipv4, "tcp", destination.tcp_port, 2, 4.0)
        result.add(node.name, node.ipv4, destination.ipv4, "tcp", destination.tcp_port, 0, 4.0)
        result.add(node.name, node.ipv6, destination.ipv6, "tcp", destination.tcp_port, 0, 5.0)
    # Denied by policy.
    pod(a1, a2, "probe", 4, every=3)
    pod(b1, a1, "probe", 4, every=4)
    return result.talks


class Traffic:
    """Servers and clients in every Pod and Node."""

    def __init__(self, folder, cluster, sides):
        self._folder, self._cluster = folder, cluster
        self._namespaces = {s.node.name: s.namespace for s in sides}
        for side in sides:
            self._namespaces.update(side.pod_namespaces)
        self._clients = []

    def _python(self, name, speaker, script, *arguments):
        return self._folder.start(f"{name}.{speaker}", [sys.executable, "-B", os.path.join(_HERE, script), *arguments],
                                  namespace=self._namespaces[speaker])

    def start_servers(self):
        for pod in self._cluster.pods:
            self._python("serve", pod.name, "serve.py", f"tcp:{pod.tcp_port}", f"udp:{pod.udp_port}",
                         f"tcp:{self._cluster.denied_port}")
        for node in self._cluster.nodes:
            self._python("serve", node.name, "serve.py", f"tcp:{node.tcp_port}")

    def start_clients(self):
        for speaker, talks in plan(self._cluster).items():
            path = self._folder.file(f"talk.{speaker}.json")
            with open(path, "w") as file:
                json.dump(talks, file)
            self._clients.append(self._python("talk", speaker, "talk.py", path))

    def stop_clients(self):
        """Ends every connection properly (FIN exchanged); what clients complained of comes back as text."""
        for client in self._clients:
            client.signal(signal.SIGTERM)
        for client in self._clients:
            try:
                client.popen.wait(12)
            except subprocess.TimeoutExpired:
                raise DemoError(f"{client.name} did not end its connections within 12 s") from None
            self._folder.forget(client)
        complaints = [f"{c.name}: {c.log_tail()}" for c in self._clients if c.log_tail()]
        self._clients = []
        return "".join(complaints)
