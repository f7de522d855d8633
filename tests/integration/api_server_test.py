"""k8s-bridge and the exporter against a real kube-apiserver: what kubectl writes, k8s/show says within a second.
An API server that dies, a history that etcd has compacted and a missing permission cost what they must and no more."""

import json
import pathlib
import secrets
import sys
import time

from api_scene import (NAMESPACE, NODE, PODS, RECOVERY_S, ZONE, Scene, delete, node, pod, reader, running,
                       running_since_now, service)
from api_server import ADDRESS, PORT, ROOT
from harness import expect, run, wait_for
from kubectl_names import expected, shown

WITHIN_S = 1.0
OUTAGE_S = 30
PODS_OF_MANY, SERVICES_OF_MANY = 5_000, 1_000
HERE = pathlib.Path(__file__).parent


def digest(kind, items):
    """Of k8s/show's items or kubectl's, as far as both say the same."""
    named = {item["name"]: item for item in items if item["name"].startswith("tests/many-")}
    return {name: sorted(item["addresses" if kind == "pods" else "clusterIPs"]) for name, item in named.items()}


def equals_directory(scene, what, want):
    """k8s/show lists a thousand of each kind; of the others it is asked one by one."""
    listed = expected(scene.api, NODE)
    for kind, number in want.items():
        theirs = digest(kind, listed[kind].values())
        expect(len(theirs) == number, f"{what}: kubectl lists {number} {kind}")
        wrong = [name for name in sorted(theirs)[::97]
                 if digest(kind, scene.exporter.show(kind[:-1], name)) != {name: theirs[name]}]
        expect(not wrong, f"{what}: k8s/show has every 97th of {number} {kind} as kubectl has it {wrong[:3]}")


def seen(scene, what, kind, name, change, condition):
    """Counted from kubectl's end; by then the API server has committed the change and may have told the bridge.
    Counted from kubectl's beginning it is an upper bound, most of it kubectl's own time."""
    started = time.monotonic()
    change()
    begin = time.monotonic()
    while not condition(shown(scene.exporter)[kind].get(f"tests/{name}" if kind != "nodes" else name)):
        if time.monotonic() > begin + 10:
            sys.exit(f"FAILED: {what} is not seen in 10 s\n{scene.bridge.log.read_text()[-2000:]}")
        time.sleep(0.01)
    took, at_most = time.monotonic() - begin, time.monotonic() - started
    expect(took < WITHIN_S,
           f"{what} is seen {took * 1000:.0f} ms after kubectl ended, {at_most:.2f} s after it began")


def as_deployed(user):
    """The role of the manifest, for a user of the test in the place of the service account."""
    _, role, _ = documents = (ROOT / "deploy/k8s-bridge/rbac.yaml").read_text().split("---\n")
    assert len(documents) == 3
    binding = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": user},
               "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "ovs-flow-exporter"},
               "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}]}
    return role + "---\n" + json.dumps(binding)


def make_cluster(api):
    api.kubectl("create", "-f", "-", stdin=as_deployed("bridge"))
    api.create(NAMESPACE,
               *reader("narrow", "pods", "nodes"),
               node(NODE, "10.20.1.0/24", "fd00:20:1::/64"), node("node-b", "10.20.2.0/24"))
    api.set_status("/api/v1/nodes/node-a", {"addresses": [
        {"type": "InternalIP", "address": "192.0.2.21"}, {"type": "InternalIP", "address": "2001:db8::21"},
        {"type": "Hostname", "address": "node-a"}]})
    api.create(pod("first"), pod("second"), pod("host", hostNetwork=True), pod("job", restartPolicy="Never"),
               pod("elsewhere", node="node-b"), pod("no-address-yet"),
               service("web", ipFamilyPolicy="RequireDualStack", selector={"app": "web"}, externalIPs=["203.0.113.7"],
                       ports=[{"name": "http", "port": 80, "targetPort": 8080}]),
               service("headless", clusterIP="None", ports=[{"port": 53, "protocol": "UDP"}]))
    for name, status in (("first", running("10.20.1.11", "fd00:20:1::11")), ("second", running("10.20.1.12")),
                         ("host", running("192.0.2.21")), ("job", running("10.20.1.13", phase="Succeeded")),
                         ("elsewhere", running("10.20.2.11"))):
        api.set_status(f"{PODS}/{name}", status)


def first_lists(scene):
    token_file = scene.testbed.folder / "bridge.token"
    token_file.write_text(scene.tokens["bridge"] + "\n")
    scene.start_bridge(scene.api.kubeconfig("bridge", {"tokenFile": str(token_file)}), "bridge.log")
    scene.start_exporter()
    wait_for("the first snapshot", lambda: scene.metadata()["synced"])
    metadata = scene.metadata()
    expect(metadata["sourceSynced"] and not metadata["sourceDetail"], "the bridge has listed everything")
    scene.equals_kubectl("first lists")
    expect("tests/elsewhere" not in shown(scene.exporter)["pods"], "the Pods of another Node are not served")


def changes_one_by_one(scene):
    api = scene.api
    seen(scene, "a Pod created", "pods", "third", lambda: api.create(pod("third")),
         lambda found: found and not found["addresses"])
    seen(scene, "its addresses", "pods", "third",
         lambda: api.set_status(f"{PODS}/third", running("10.20.1.33", "fd00:20:1::33")),
         lambda found: found["addresses"] == ["10.20.1.33", "fd00:20:1::33"])
    seen(scene, "a Pod deleted", "pods", "third", lambda: delete(api, "pod", "third"), lambda found: found is None)
    seen(scene, "its address in another Pod", "pods", "no-address-yet",
         lambda: api.set_status(f"{PODS}/no-address-yet", running("10.20.1.33")),
         lambda found: found["addresses"] == ["10.20.1.33"])
    ports = [{"name": "dns", "port": 53, "protocol": "UDP", "nodePort": 30053},
             {"name": "metrics", "port": 9153, "nodePort": 30153}]
    seen(scene, "a Service of two ports", "services", "names",
         lambda: api.create(service("names", type="NodePort", selector={"app": "dns"}, ports=ports)),
         lambda found: found and [port["nodePort"] for port in found["ports"]] == [30053, 30153])
    seen(scene, "a Node's Pod addresses", "nodes", "node-c", lambda: api.create(node("node-c", "10.20.3.0/24")),
         lambda found: found and found["podCIDRs"] == ["10.20.3.0/24"])
    scene.equals_kubectl("after changes")


def server_killed(scene):
    before = shown(scene.exporter)
    scene.api.kill()
    wait_for("the bridge to say that the API server is away", lambda: scene.metadata()["sourceDetail"])
    time.sleep(OUTAGE_S)
    print(f"while it is away: {scene.metadata()['sourceDetail']}, stale for {scene.metadata()['stalenessSeconds']:.1f} s")
    expect(scene.metadata()["stalenessSeconds"] > OUTAGE_S - 5, "the exporter says since when")
    expect(shown(scene.exporter) == before, "without an API server the names of before remain")
    scene.api.start()
    begin = time.monotonic()
    scene.api.create(pod("after-restart"))
    scene.api.set_status(f"{PODS}/second", running("10.20.1.22"))
    delete(scene.api, "pod", "first")
    scene.equals_kubectl(f"killed for {OUTAGE_S} s and changed right after")
    print(f"{time.monotonic() - begin:.1f} s after the API server was ready again")
    wait_for("the problem to be over", lambda: not scene.metadata()["sourceDetail"], RECOVERY_S)


def token_replaced(scene):
    """The kubelet replaces a token's file; the API server forgets the old token (here: when it starts anew)."""
    api = scene.api
    old, new = scene.tokens["bridge"], secrets.token_hex(16)
    tokens = api.folder / "tokens.csv"
    tokens.write_text(tokens.read_text().replace(old, new))
    api.kill()
    api.start()
    wait_for("the old token to be refused", lambda: "HTTP 401" in scene.metadata()["sourceDetail"], RECOVERY_S)
    staleness = scene.metadata()["stalenessSeconds"]
    expect(staleness > 0, f"the exporter says for how long it may have missed changes: {staleness:.1f} s")
    (scene.testbed.folder / "bridge.token").write_text(new + "\n")
    api.create(pod("after-the-token"))
    scene.equals_kubectl("with a new token in the same file")
    wait_for("names to be up to date again", lambda: scene.metadata()["stalenessSeconds"] == 0, RECOVERY_S)
    wait_for("the bridge to have told what it counted", lambda: scene.metadata()["bridge"]["pods"]["failures"] > 0)
    print(f"the bridge's own counters: {scene.metadata()['bridge']}")


def address_used_again(scene):
    """Two Pods had an address one after the other; connections of both are there at the same time."""
    api, address = scene.api, "10.20.1.77"
    names = {41001: "tests/first-holder", 41002: "tests/second-holder"}

    def connect(port):
        run("ip", "netns", "exec", scene.namespace, "conntrack", "-I", "-p", "tcp", "-s", address, "-d", "10.20.1.12",
            "--sport", port, "--dport", 80, "--state", "ESTABLISHED", "-u", "SEEN_REPLY,ASSURED", "-t", 600, "-w", ZONE)

    def named():
        return {flow["original"]["sourcePort"]: flow["sourcePod"] for flow in scene.exporter.flows(f"src={address}")}

    for port, name in names.items():
        holder = name.split("/")[1]
        api.create(pod(holder))
        api.set_status(f"{PODS}/{holder}", running_since_now(address))
        wait_for(f"{name} with its address", lambda n=name: scene.exporter.show("pod", n)[0]["addresses"] == [address])
        connect(port)
        wait_for(f"the connection of {name}", lambda p=port: p in named())
        if port == 41001:
            delete(api, "pod", holder)
            wait_for("it to be gone", lambda n=name: not scene.exporter.show("pod", n))
    expect(named() == names, f"an address used again, connections of both Pods: {named()}")
    scene.exporter.appctl("exporter/flush")
    wait_for("another poll", lambda: scene.exporter.status()["conntrack"]["polls"] > 1)
    expect(named() == names, "and so it stays")


def many_objects(scene):
    """5,000 Pods and 1,000 Services, put there while they are watched and listed by a bridge that starts then."""
    begin = time.monotonic()
    done = json.loads(run("ip", "netns", "exec", scene.namespace, "python3", HERE / "api_fill.py", f"{ADDRESS}:{PORT}",
                          scene.api.folder / "ca.crt", scene.api.tokens["admin"], PODS_OF_MANY, SERVICES_OF_MANY))
    print(f"{done} in {time.monotonic() - begin:.1f} s")
    want = {"pods": PODS_OF_MANY, "services": SERVICES_OF_MANY}

    def there():
        return all(scene.metadata()[kind] >= number for kind, number in want.items())

    wait_for("all of it, watched", there, seconds=20)
    equals_directory(scene, "watched", want)
    scene.testbed.stop(scene.bridge)
    scene.start_bridge(scene.api.kubeconfig("narrow", {"token": scene.tokens["narrow"]}), "again.log")
    wait_for("all of it, listed", lambda: scene.metadata()["synced"] and there(), seconds=20)
    equals_directory(scene, "listed", want)


def etcd_history(scene):
    """Without its watch cache the API server asks etcd for what a watch has missed."""
    api = scene.api
    api.kill()
    api.start("--watch-cache=false")
    seen(scene, "without watch cache, a Pod", "pods", "uncached", lambda: api.create(pod("uncached"), pod("compacted")),
         lambda found: found)
    scene.equals_kubectl("without watch cache")
    for name, compact in (("uncached", False), ("compacted", True)):
        lists, expired = scene.bridge_says("listed, at version"), scene.bridge_says("is too old, listing again")
        api.kill()
        api.etcdctl("del", f"/registry/pods/tests/{name}")
        if compact:
            api.etcdctl("compact", str(api.revision()))
        api.start("--watch-cache=false")
        if compact:
            wait_for("410", lambda: scene.bridge_says("pods: the version to go on from is too old"), RECOVERY_S)
        scene.equals_kubectl("a Pod gone from etcd, its history " + ("compacted" if compact else "there"))
        relisted = scene.bridge_says("listed, at version") - lists
        told = scene.bridge_says("is too old, listing again") - expired
        expect((relisted > 0) == compact and (told > 0) == compact,
               f"410 was had {told} times, lists made anew: {relisted}")


def missing_permission(scene):
    api = scene.api
    scene.testbed.stop(scene.bridge)
    scene.start_bridge(api.kubeconfig("narrow", {"token": scene.tokens["narrow"]}), "narrow.log")
    wait_for("the names without Services", lambda: scene.metadata()["synced"] and not shown(scene.exporter)["services"])
    detail = scene.metadata()["sourceDetail"]
    expect(detail.startswith("services: list: HTTP 403: ") and 'User "narrow" cannot list' in detail,
           f"the exporter is told: {detail}")
    expect(scene.bridge_says(detail), "and the bridge's log says so")
    want, got = expected(api, NODE), shown(scene.exporter)
    expect(got["pods"] == want["pods"] and got["nodes"] == want["nodes"],
           "Pods and Nodes have their names all the same")
    seen(scene, "without permission for Services, a Pod", "pods", "allowed", lambda: api.create(pod("allowed")),
         lambda found: found)
    api.create(*reader("narrow", "services"))
    scene.equals_kubectl("permission given, no restart")
    expect(not scene.metadata()["sourceDetail"], "and nothing is wrong any more")


def main():
    scene = Scene("api-server", ["bridge", "narrow"])
    make_cluster(scene.api)
    first_lists(scene)
    changes_one_by_one(scene)
    server_killed(scene)
    token_replaced(scene)
    address_used_again(scene)
    etcd_history(scene)
    missing_permission(scene)
    many_objects(scene)
    status = scene.metadata()
    expect(status["invalidObjects"] == 0 and status["protocolErrors"] == 0, "nothing the API server sent was left out")
    return 0


sys.exit(main())
