"""Real connections through a Node's kernel, named by what a real kube-apiserver says: every address a Service can be asked
by, a Pod that becomes known after its connection began, a Job's Pod that gives its address up, a Pod of the host's."""

import sys

from api_scene import NAMESPACE, NODE, PODS, node, pod, reader, running_since_now, service
from api_server import ApiServer
from conntrack_lab import Lab
from harness import BIN, accepts_connections, expect, run, wait_for
from namespace_sockets import TcpTalk, listen

CLIENT, CLIENT_V6, SERVER, SERVER_V6 = "10.77.1.2", "fd77:1::2", "10.77.2.2", "fd77:2::2"
ON_NODE = "192.0.2.21"
WEB, WEB_V6, OUTSIDE, BALANCED, BALANCED_V6 = "10.96.0.10", "fd00:10:96::10", "203.0.113.7", "203.0.113.9", "2001:db8::9"
# What Antrea's proxyAll puts in the place of the Node's address before the bridge sees a packet to a node port.
ANTREA, ANTREA_V6 = "169.254.0.252", "fc01::aabb:ccdd:eefe"
NAT = f"""
table inet nat {{
  chain prerouting {{
    type nat hook prerouting priority dstnat;
    ip daddr {{ {WEB}, {OUTSIDE}, {BALANCED} }} tcp dport 80 dnat ip to {SERVER}:5201
    ip daddr {{ {ON_NODE}, {ANTREA} }} tcp dport 30080 dnat ip to {SERVER}:5201
    ip6 daddr {{ {WEB_V6}, {BALANCED_V6} }} tcp dport 80 dnat ip6 to [{SERVER_V6}]:5201
    ip6 daddr {ANTREA_V6} tcp dport 30080 dnat ip6 to [{SERVER_V6}]:5201
  }}
}}
"""
NAMES = ("sourcePodName", "destinationPodName", "destinationServicePortName", "destinationNodeName")
BY = {"cluster IP": (WEB, 80), "cluster IP of IPv6": (WEB_V6, 80), "external IP": (OUTSIDE, 80),
      "load balancer": (BALANCED, 80), "load balancer of IPv6": (BALANCED_V6, 80), "node port": (ON_NODE, 30080),
      "node port behind Antrea": (ANTREA, 30080), "node port behind Antrea, IPv6": (ANTREA_V6, 30080)}


class Scene:
    def __init__(self):
        self.lab = Lab("api-names")
        run("ip", "-n", self.lab.node, "address", "add", f"{ON_NODE}/32", "dev", "lo")
        self.lab.nft(NAT)
        (self.client, *_), (self.server, *_) = self.lab.pods.pods
        self.listeners = {6: listen(self.server, SERVER_V6, 5201), 4: listen(self.server, SERVER, 5201)}
        self.api = ApiServer(self.lab.testbed, self.lab.node, {})
        self.api.create(NAMESPACE,
                        *reader("bridge", "pods", "services", "nodes"), node(NODE, "10.77.0.0/16", "fd77::/16"))
        self.api.set_status(f"/api/v1/nodes/{NODE}", {"addresses": [{"type": "InternalIP", "address": ON_NODE}]})
        self.lab.testbed.start(BIN / "k8s-bridge", "--kubeconfig", self.api.admin, "--node-name", NODE, "--socket",
                               self.lab.metadata, namespace=self.lab.node, log="k8s-bridge.log")
        wait_for("k8s-bridge", lambda: accepts_connections(self.lab.metadata))
        self.lab.export()
        wait_for("names", lambda: self.lab.status()["metadata"]["sourceSynced"])

    def has_pod(self, name, *addresses, **spec):
        """It is there, and the exporter knows. It started now."""
        self.api.create(pod(name, **spec))
        self.api.set_status(f"{PODS}/{name}", running_since_now(*addresses))

        def known():
            found = self.lab.exporter.show("pod", f"tests/{name}")
            return found and set(found[0]["addresses"]) == set(addresses)

        wait_for(f"tests/{name}", known)

    def names(self, port):
        """Those of the last record of the client's connection from this port, None: there is none."""
        records = [r for r in self.lab.records() if r["sourceTransportPort"] == port]
        return tuple(records[-1][name] for name in NAMES) if records else None

    def named(self, what, talk, port, want):
        def right():
            talk.say(10, 10)
            return self.names(port) == want
        wait_for(f"{what}: a record with {want}, not {self.names(port)}", right)
        expect(True, f"{what}: {want}")


def known_late(scene):
    """Of a connection only the server's Pod is known, a Job's. The client's comes; the Job ends, and its address goes on."""
    scene.has_pod("job", SERVER, restartPolicy="Never")
    talk = TcpTalk(scene.client, CLIENT, 41001, scene.listeners[4])
    scene.named("before its Pod is known", talk, 41001, ("", "job", "", NODE))
    scene.has_pod("client", CLIENT, CLIENT_V6)
    scene.named("in the next record after it is known", talk, 41001, ("client", "job", "", NODE))
    scene.api.set_status(f"{PODS}/job", {"phase": "Succeeded"})
    wait_for("the Job's end", lambda: scene.lab.exporter.show("pod", "tests/job")[0].get("ended"))
    again = TcpTalk(scene.client, CLIENT, 41002, scene.listeners[4])
    scene.named("the address of a Job that ended", again, 41002, ("client", "", "", NODE))
    scene.has_pod("server", SERVER, SERVER_V6)
    third = TcpTalk(scene.client, CLIENT, 41003, scene.listeners[4])
    scene.named("the Pod that has it now", third, 41003, ("client", "server", "", NODE))
    scene.named("the connection of the Job, meanwhile", talk, 41001, ("client", "job", "", NODE))


def services(scene):
    scene.api.create(service(
        "web", type="LoadBalancer", clusterIP=WEB, clusterIPs=[WEB, WEB_V6], ipFamilyPolicy="RequireDualStack",
        externalIPs=[OUTSIDE], selector={"app": "web"},
        ports=[{"name": "http", "port": 80, "targetPort": 5201, "nodePort": 30080}]))
    scene.api.set_status("/api/v1/namespaces/tests/services/web",
                         {"loadBalancer": {"ingress": [{"ip": BALANCED}, {"ip": BALANCED_V6}]}})
    wait_for("the load balancer's addresses",
             lambda: (found := scene.lab.exporter.show("service", "tests/web")) and BALANCED in found[0]["externalIPs"])
    for port, (what, to) in enumerate(BY.items(), start=41010):
        is_ipv6 = ":" in to[0]
        talk = TcpTalk(scene.client, CLIENT_V6 if is_ipv6 else CLIENT, port, scene.listeners[6 if is_ipv6 else 4], to)
        scene.named(f"a Service by its {what}", talk, port, ("client", "server", "tests/web:http", NODE))


def pod_of_the_host(scene):
    scene.has_pod("host", ON_NODE, hostNetwork=True)
    listener = listen(scene.lab.node, ON_NODE, 5300)
    talk = TcpTalk(scene.client, CLIENT, 41100, listener)
    scene.named("a Pod of the host's network has the Node's name only", talk, 41100, ("client", "", "", NODE))


def main():
    scene = Scene()
    known_late(scene)
    services(scene)
    pod_of_the_host(scene)
    scene.lab.stop()
    return 0


sys.exit(main())
