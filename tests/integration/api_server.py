"""etcd and kube-apiserver on loopback in a network namespace, with TLS, bearer tokens and RBAC, and kubectl to talk to
them. No kubelet, scheduler or controller runs: a Pod is what the test says it is."""

import json
import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import sys

from certificates import Authority
from harness import run, wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
ADDRESS, PORT = "192.0.2.10", 6443  # on the namespace's loopback; an API server does not announce itself on 127.0.0.1
SERVER = f"https://{ADDRESS}:{PORT}"
ETCD = "http://127.0.0.1:2379"
# Dual stack has a gate of its own in 1.20.
SERVICE_RANGES = "10.96.0.0/16,fd00:10:96::/108"


def programs():
    """The folder of kube-apiserver and kubectl; builds them when the cache folder has none."""
    built = subprocess.run([ROOT / "deploy/setup/kube-apiserver"], text=True, stdout=subprocess.PIPE, check=False)
    if built.returncode != 0:
        sys.exit("FAILED: deploy/setup/kube-apiserver")
    for program in ("etcd", "etcdctl", "openssl"):
        if shutil.which(program) is None:
            sys.exit(f"FAILED: {program} is missing; 'deploy/setup/packages apiserver test' installs it")
    return pathlib.Path(built.stdout.strip())


class ApiServer:
    """users: name → token. "admin" is there already and may do everything, the others what RBAC grants them."""

    def __init__(self, testbed, namespace, users):
        # A proxy of the machine's does not reach into the namespace.
        os.environ.update(NO_PROXY="*", no_proxy="*")
        self.testbed, self.namespace = testbed, namespace
        self.programs = programs()
        self.folder = testbed.folder / "api-server"
        self.folder.mkdir()
        self.tokens = {"admin": secrets.token_hex(16), **users}
        self.process = None
        run("ip", "-n", namespace, "address", "add", f"{ADDRESS}/32", "dev", "lo")
        self.authority = None
        self.issue_certificates()
        # Whoever signs service accounts' tokens; required, though most tests have users only.
        run("openssl", "genrsa", "-out", self.folder / "accounts.key", "2048")
        lines = [f'{token},{user},{user},"{"system:masters" if user == "admin" else ""}"'
                 for user, token in self.tokens.items()]
        (self.folder / "tokens.csv").write_text("\n".join(lines) + "\n")
        self.admin = self.kubeconfig("admin", {"token": self.tokens["admin"]})
        testbed.start("etcd", "--data-dir", self.folder / "etcd", "--listen-client-urls", ETCD,
                      "--advertise-client-urls", ETCD, "--listen-peer-urls", "http://127.0.0.1:2380",
                      namespace=namespace, log="etcd.log")
        wait_for("etcd", lambda: self.revision(check=False))
        self.start()

    def issue_certificates(self):
        """Of a new authority, over those of an earlier one."""
        self.authority = Authority(self.folder, "ca")
        self.authority.issue("server", f"IP:{ADDRESS}")

    def kubeconfig(self, name, user, **cluster):
        """A kubeconfig file; user is what it says of the user: {"token": …} or {"tokenFile": …}, or a certificate."""
        path = self.folder / f"{name}.kubeconfig"
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test",
                          "cluster": {"server": SERVER, "certificate-authority": "ca.crt", **cluster}}],
            "users": [{"name": name, "user": user}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": name}}]}))
        return path

    def start(self, *more):
        path = self.folder
        self.process = self.testbed.start(
            self.programs / "kube-apiserver", f"--etcd-servers={ETCD}", f"--bind-address={ADDRESS}",
            f"--advertise-address={ADDRESS}", f"--secure-port={PORT}", f"--cert-dir={path}",
            f"--tls-cert-file={path}/server.crt", f"--tls-private-key-file={path}/server.key",
            f"--token-auth-file={path}/tokens.csv", f"--client-ca-file={path}/ca.crt",
            "--authorization-mode=RBAC", "--anonymous-auth=false",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={path}/accounts.key",
            f"--service-account-signing-key-file={path}/accounts.key",
            # It would wait for accounts that a controller makes.
            "--disable-admission-plugins=ServiceAccount", "--feature-gates=IPv6DualStack=true",
            f"--service-cluster-ip-range={SERVICE_RANGES}", *more, namespace=self.namespace, log="kube-apiserver.log")
        wait_for("kube-apiserver to be ready", self._ready, seconds=90)

    def _ready(self):
        if self.process.poll() is not None:
            sys.exit(f"FAILED: kube-apiserver ended with {self.process.returncode}:\n"
                     f"{self.process.log.read_text()[-3000:]}")
        return self.kubectl("get", "--raw", "/readyz", check=False) == "ok"

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def kubectl(self, *arguments, check=True, stdin=None):
        return run("ip", "netns", "exec", self.namespace, self.programs / "kubectl", "--kubeconfig", self.admin,
                   "--cache-dir", self.folder / "kubectl-cache", *arguments, check=check, input=stdin,
                   env={**os.environ, "HOME": str(self.folder)})

    def etcdctl(self, *arguments, check=True):
        return run("ip", "netns", "exec", self.namespace, "etcdctl", "--endpoints", ETCD, *arguments, check=check,
                   env={**os.environ, "ETCDCTL_API": "3"})

    def revision(self, check=True):
        """Of etcd's history; 0 while etcd does not answer."""
        answer = self.etcdctl("get", "/none", "--write-out=json", check=check)
        return json.loads(answer)["header"]["revision"] if answer else 0

    def get(self, kind, *arguments):
        return json.loads(self.kubectl("get", kind, "-o", "json", *arguments))

    def create(self, *objects):
        self.kubectl("create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))

    def set_status(self, path, status):
        """What a kubelet does: path is that of the object, status its fields that change."""
        changed = json.loads(self.kubectl("get", "--raw", path))
        changed["status"] = {**changed.get("status", {}), **status}
        self.kubectl("replace", "--raw", f"{path}/status", "-f", "-", stdin=json.dumps(changed))
