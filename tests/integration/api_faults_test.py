"""The k8s-bridge's API source behind a proxy that breaks the answers of a real kube-apiserver thousands of times, in the
middle of a chunk and of an object, while everything changes: after each round the exporter's directory equals a fresh
list, and nothing that was read was taken for something else. A bridge and an exporter go through the same, with their
seconds between attempts, and are asked at the end.
  api_faults_test.py [SEED]"""

import json
import pathlib
import random
import signal
import subprocess
import sys
import time

import kubectl_names
from api_scene import NAMESPACE, NODE, Scene
from api_server import ADDRESS, PORT
from certificates import Authority
from harness import BIN, expect, listens, run, wait_for

HERE = pathlib.Path(__file__).parent
PROXY_PORT = 7443
FAULTS, ROUND_S = 2_000, 5
FOLLOWER = BIN.parent / "tests/api_follower"


def fresh_list(api):
    """What the follower prints, from kubectl's objects."""
    want = kubectl_names.expected(api, NODE)
    return {"pods": sorted([p["name"], p["uid"], *p["addresses"]] for p in want["pods"].values()),
            "services": sorted([s["name"], s["type"], *s["clusterIPs"],
                                *(f"{p['name']}:{p['port']}/{p['protocol']}:{p['nodePort']}" for p in s["ports"])]
                               for s in want["services"].values()),
            "nodes": sorted([n["name"], *n["podCIDRs"]] for n in want["nodes"].values())}


class Follower:
    """The source, the metadata frames and the directory in one program, with waits of milliseconds between attempts."""

    def __init__(self, namespace, kubeconfig):
        self.process = subprocess.Popen(["ip", "netns", "exec", namespace, FOLLOWER, kubeconfig, NODE], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def says(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line.startswith("{"):
            sys.exit(f"FAILED: the follower said {line!r}, {self.process.poll()}")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        expect(self.process.wait(10) == 0, "the follower ends cleanly")


def proxied(scene, seed):
    folder = scene.testbed.folder / "proxy"
    folder.mkdir()
    authority = Authority(folder, "proxy-authority")
    certificate, key = authority.issue("proxy", "IP:127.0.0.1")
    proxy = scene.testbed.start("python3", HERE / "faulty_proxy.py", PROXY_PORT, f"{ADDRESS}:{PORT}",
                                scene.api.folder / "ca.crt", certificate, key, seed, namespace=scene.namespace,
                                log="proxy.jsonl")
    path = folder / "follower.kubeconfig"
    path.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": f"https://127.0.0.1:{PROXY_PORT}",
                                                  "certificate-authority": str(authority.certificate)}}],
        "users": [{"name": "admin", "user": {"token": scene.api.tokens["admin"]}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}]}))
    return proxy, path


def churn(scene, seed, seconds):
    return json.loads(run("ip", "netns", "exec", scene.namespace, "python3", HERE / "api_churn.py", f"{ADDRESS}:{PORT}",
                          scene.api.folder / "ca.crt", scene.api.tokens["admin"], seed, seconds))


def equal_in_the_end(scene, follower, what):
    want = fresh_list(scene.api)

    def same():
        got = follower.says()
        return {kind: sorted(got[kind]) for kind in want} == want and got

    begin = time.monotonic()
    while not (got := same()):
        if time.monotonic() > begin + 30:
            got = follower.says()
            for kind, items in want.items():
                print(kind, "only kubectl:", [i for i in items if i not in got[kind]][:5], "only here:",
                      [i for i in got[kind] if i not in items][:5], flush=True)
            sys.exit(f"FAILED: {what}: the directory differs from a fresh list: {got['stats']}")
        time.sleep(0.05)
    counts = ", ".join(f"{len(items)} {kind}" for kind, items in want.items())
    expect(got["stats"]["skipped"] == 0, f"{what}: the directory equals a fresh list ({counts})")
    return got["stats"]


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    scene = Scene("api-faults", [])
    scene.api.create(NAMESPACE)
    proxy, kubeconfig = proxied(scene, seed)
    wait_for("the proxy", lambda: listens(scene.namespace, PROXY_PORT))
    follower = Follower(scene.namespace, kubeconfig)
    equal_in_the_end(scene, follower, "before")
    scene.start_bridge(kubeconfig, "k8s-bridge.log")
    scene.start_exporter()
    wait_for("names", lambda: scene.metadata()["sourceSynced"])
    counts, number = {}, 0
    while sum(counts.values()) < FAULTS:
        number += 1
        expect(number <= 40, f"round {number}: {sum(counts.values())} faults so far")
        proxy.send_signal(signal.SIGUSR1)
        done = churn(scene, seed + number, ROUND_S)
        proxy.send_signal(signal.SIGUSR2)
        wait_for("the proxy's counts", lambda n=number: len(proxy.log.read_text().splitlines()) == n)
        counts = json.loads(proxy.log.read_text().splitlines()[-1])
        stats = equal_in_the_end(scene, follower, f"round {number}, {sum(done.values())} requests of changes")
    print(f"faults: {counts}\nfollower: {stats}")
    follower.close()
    scene.equals_kubectl("the bridge and the exporter")
    log = scene.bridge.log.read_text()
    expect(log.count("next attempt in") > 3, f"the bridge met faults: it tried again {log.count('next attempt in')} times")
    metadata = scene.metadata()
    expect(metadata["protocolErrors"] == 0 and metadata["invalidObjects"] == 0, "and told the exporter nothing wrong")
    return 0


sys.exit(main())
