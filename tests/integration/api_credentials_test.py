"""How k8s-bridge reaches a real kube-apiserver and proves who it is: through a real HTTP proxy that the environment or
the kubeconfig names, and with certificates that are replaced while it runs."""

import shutil
import sys

from api_scene import NAMESPACE, NODE, RECOVERY_S, Scene, node, pod, reader
from api_server import ADDRESS, PORT
from certificates import Authority
from harness import expect, listens, wait_for

PROXY_PORT = 8888
PROXY = f"http://127.0.0.1:{PROXY_PORT}"
TINYPROXY = """
Port 8888
Listen 127.0.0.1
Allow 127.0.0.1
ConnectPort 6443
LogLevel Connect
Timeout 600
"""


class Proxy:
    def __init__(self, scene):
        self.scene, self.folder = scene, scene.testbed.folder
        (self.folder / "tinyproxy.conf").write_text(TINYPROXY)
        self.process = None
        self.start()

    def start(self):
        self.process = self.scene.testbed.start("tinyproxy", "-d", "-c", self.folder / "tinyproxy.conf",
                                                namespace=self.scene.namespace, log="tinyproxy.log")
        wait_for("the proxy", lambda: listens(self.scene.namespace, PROXY_PORT))

    def asked(self):
        """How often it was asked for the way to the API server."""
        return self.process.log.read_text().count(f"CONNECT {ADDRESS}:{PORT} ")


def environment(**settings):
    """Of a bridge: what the test's own has of proxies does not count."""
    names = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
    return {**{name: "" for name in (*names, *map(str.upper, names))}, **settings}


def synced(scene, what, kubeconfig, **settings):
    if scene.bridge is not None:
        scene.testbed.stop(scene.bridge)
    scene.start_bridge(kubeconfig, f"{what}.log".replace(" ", "-"), environment(**settings))
    wait_for(f"a snapshot, {what}", lambda: scene.metadata()["synced"] and scene.metadata()["sourceSynced"], RECOVERY_S)
    scene.equals_kubectl(what)


def proxies(scene):
    proxy = Proxy(scene)
    token = {"token": scene.tokens["bridge"]}
    direct = scene.api.kubeconfig("direct", token)
    named = scene.api.kubeconfig("named", token, **{"proxy-url": PROXY})

    def asked_by(what, kubeconfig, **settings):
        before = proxy.asked()
        synced(scene, what, kubeconfig, **settings)
        return proxy.asked() - before

    for name in ("https_proxy", "HTTPS_PROXY"):
        expect(asked_by(f"with {name}", direct, **{name: PROXY}) >= 3, f"{name}: the watches go through the proxy")
    for name in ("no_proxy", "NO_PROXY"):
        for value in (f"example.org,{ADDRESS}", "192.0.2.0/24", "*"):
            what = f"with {name} {value}".replace("/", " of ")
            expect(asked_by(what, direct, **{"https_proxy": PROXY, name: value}) == 0, f"{name}={value}: past the proxy")
    expect(asked_by("with proxy-url", named, no_proxy=ADDRESS) >= 3,
           "the kubeconfig's proxy-url is used whatever no_proxy says, as kubectl does")
    scene.testbed.stop(proxy.process)
    detail = wait_for("the lost proxy", lambda: scene.metadata()["sourceDetail"])
    detail = wait_for("the refusal", lambda: "127.0.0.1" in (said := scene.metadata()["sourceDetail"]) and said, RECOVERY_S)
    expect(f"port {PROXY_PORT}" in detail, f"a proxy that is away is named: {detail}")
    scene.api.create(pod("while-the-proxy-was-away"))
    proxy.start()
    scene.equals_kubectl("with the proxy back")


def certificates_replaced(scene):
    """The cluster gets a new authority: its server's certificate and its users' are all new; nothing is restarted here."""
    api, folder = scene.api, scene.testbed.folder / "bridge"
    folder.mkdir()

    def take(files):
        for name, path in files.items():
            shutil.copy(path, folder / f"{name}.new")
            (folder / f"{name}.new").rename(folder / name)

    def users():
        certificate, key = api.authority.issue("certified", "DNS:certified")
        return {"user.crt": certificate, "user.key": key}

    take({"ca.crt": api.authority.certificate, **users()})
    certified = api.kubeconfig("certified", {"client-certificate": str(folder / "user.crt"),
                                             "client-key": str(folder / "user.key")},
                               **{"certificate-authority": str(folder / "ca.crt")})
    synced(scene, "with a client's certificate", certified)

    api.kill()
    api.issue_certificates()
    api.start()
    detail = wait_for("the unknown authority", lambda: "certificate" in (said := scene.metadata()["sourceDetail"]) and said,
                      RECOVERY_S)
    expect("verify" in detail or "issuer" in detail, f"an authority that is not known is refused: {detail}")
    take({"ca.crt": api.authority.certificate})
    detail = wait_for("the refused client", lambda: "HTTP 401" in (said := scene.metadata()["sourceDetail"]) and said,
                      RECOVERY_S)
    expect(True, f"the new authority's file is read, and the server does not know the old client: {detail}")
    api.create(pod("after-the-certificates"))
    take(users())
    scene.equals_kubectl("with a new authority and a new certificate in the same files")
    wait_for("the problem to be over", lambda: not scene.metadata()["sourceDetail"], RECOVERY_S)

    other = Authority(folder, "other")
    certificate, key = other.issue("certified-by-another", "DNS:certified")
    take({"user.crt": certificate, "user.key": key})
    api.kill()
    api.start()
    wait_for("a stranger's certificate to be refused", lambda: "HTTP 401" in scene.metadata()["sourceDetail"], RECOVERY_S)


def main():
    scene = Scene("api-credentials", ["bridge"])
    scene.api.create(NAMESPACE,
                     *reader("bridge", "pods", "services", "nodes"), *reader("certified", "pods", "services", "nodes"),
                     node(NODE, "10.20.1.0/24"), pod("first"))
    scene.start_exporter()
    proxies(scene)
    certificates_replaced(scene)
    return 0


sys.exit(main())
