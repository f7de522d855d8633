"""What the tests with a real kube-apiserver share: objects as kubectl takes them, and a bridge and an exporter whose names
are compared with kubectl's."""

import secrets
import sys
import time

from api_server import ApiServer
from harness import BIN, Exporter, OvsDatabase, Testbed, expect
from kubectl_names import expected, shown

NODE, ZONE = "node-a", 65520
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "tests"}}
PODS = "/api/v1/namespaces/tests/pods"
RECOVERY_S = 60.0  # the bridge's attempts are at most 30 s apart


def pod(name, node=NODE, **spec):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "tests"},
            "spec": {"nodeName": node, "containers": [{"name": "main", "image": "none"}], **spec}}


def node(name, *cidrs):
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name},
            "spec": {"podCIDR": cidrs[0], "podCIDRs": list(cidrs)}}


def service(name, **spec):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "tests"}, "spec": spec}


def running(*ips, start="2024-05-01T10:20:30Z", phase="Running"):
    return {"phase": phase, "podIP": ips[0], "podIPs": [{"ip": ip} for ip in ips], "startTime": start}


def running_since_now(*ips):
    return running(*ips, start=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))


def reader(user, *resources):
    """Reading these in the whole cluster, for one user."""
    name = f"{user}-reads-{'-'.join(resources)}"
    api_group = "rbac.authorization.k8s.io"
    return ({"apiVersion": f"{api_group}/v1", "kind": "ClusterRole", "metadata": {"name": name},
             "rules": [{"apiGroups": [""], "resources": list(resources), "verbs": ["get", "list", "watch"]}]},
            {"apiVersion": f"{api_group}/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name},
             "roleRef": {"apiGroup": api_group, "kind": "ClusterRole", "name": name},
             "subjects": [{"apiGroup": api_group, "kind": "User", "name": user}]})


def delete(api, kind, name):
    # At once: with a grace period the object would wait for a kubelet's word.
    api.kubectl("delete", kind, name, "-n", "tests", "--grace-period=0", "--force", "--wait=false")


class Scene:
    """An API server with users of these names, a bridge and an exporter, all in one namespace."""

    def __init__(self, name, users):
        self.testbed = Testbed(name)
        self.namespace = self.testbed.namespace("node")
        self.tokens = {user: secrets.token_hex(16) for user in users}
        self.api = ApiServer(self.testbed, self.namespace, self.tokens)
        self.socket = self.testbed.folder / "metadata.sock"
        self.bridge = self.exporter = None

    def start_bridge(self, kubeconfig, log, environment=None):
        self.bridge = self.testbed.start(BIN / "k8s-bridge", "--kubeconfig", kubeconfig, "--node-name", NODE,
                                         "--socket", self.socket, namespace=self.namespace, log=log,
                                         environment=environment)

    def start_exporter(self):
        database = OvsDatabase(self.testbed, self.namespace, "system", vswitchd=False)
        config = f"flowPollInterval: 1s\novsFlowExporter: {{metadataSocket: {self.socket}, zones: [{ZONE}]}}\n"
        self.exporter = Exporter(self.testbed, database.rundir, config, namespace=self.namespace, node=NODE)

    def bridge_says(self, text):
        return self.bridge.log.read_text().count(text)

    def metadata(self):
        return self.exporter.status()["metadata"]

    def equals_kubectl(self, what):
        """Prints the first difference when they stay different."""
        want = expected(self.api, NODE)
        begin = time.monotonic()
        while (got := shown(self.exporter)) != want:
            if time.monotonic() > begin + RECOVERY_S:
                for kind, objects in want.items():
                    for name in sorted({*objects, *got[kind]}):
                        if objects.get(name) != got[kind].get(name):
                            print(f"{kind} {name}:\n  kubectl  {objects.get(name)}\n  k8s/show {got[kind].get(name)}")
                sys.exit(f"FAILED: {what}: k8s/show differs from kubectl get\n{self.bridge.log.read_text()[-2000:]}")
            time.sleep(0.05)
        counts = ", ".join(f"{len(objects)} {kind}" for kind, objects in want.items())
        expect(True, f"{what}: k8s/show equals kubectl get ({counts}) {time.monotonic() - begin:.2f} s after asking")
