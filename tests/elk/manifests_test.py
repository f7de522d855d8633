"""deploy/elk-flow-collector on a real kube-apiserver: the commands of its first lines, the two kustomizations, and the first
half of the Job's script with the real account, Role and Secret. No Pod runs."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))

from api_server import SERVER, ApiServer  # noqa: E402
from harness import Testbed, expect, run  # noqa: E402
from manifest_checks import NAMESPACE, Objects, accounts, everything, secret_keys  # noqa: E402

FOLDER = "deploy/elk-flow-collector"
MANIFEST = f"{FOLDER}/elk-flow-collector.yml"
PLAIN, OPEN = FOLDER, f"{FOLDER}-without-security"
SECURITY = ("xpack.security.enabled", "SECURITY")


class Cluster:
    def __init__(self):
        self.testbed = Testbed("elk")
        self.netns = self.testbed.namespace("node")
        self.api = ApiServer(self.testbed, self.netns, {})

    def kubectl(self, command):
        """From the repository's folder, as its reader would; a word on standard error is a failure, as it is a warning."""
        done = subprocess.run(
            ["ip", "netns", "exec", self.netns, self.api.programs / "kubectl", "--kubeconfig", self.api.admin, "--cache-dir",
             self.api.folder / "kubectl-cache", *command.split()], cwd=ROOT, text=True, capture_output=True, check=False,
            env={**os.environ, "HOME": str(self.api.folder)})
        expect((done.returncode, done.stderr) == (0, ""), f"kubectl {command}{done.stderr and ': ' + done.stderr}")
        return done.stdout

    def objects(self, command, what):
        """What the server made of it."""
        objects = json.loads(self.kubectl(f"{command} -o json"))["items"]
        if not any(one["metadata"]["name"] == "logstash-configmap" for one in objects):
            objects.append(self.api.get("configmap", "logstash-configmap", "-n", NAMESPACE))
        return Objects(objects, what)


def three_commands(cluster):
    cluster.kubectl(f"create namespace {NAMESPACE}")
    cluster.kubectl(f"create configmap logstash-configmap -n {NAMESPACE} --from-file={FOLDER}/logstash/")
    third = f"apply -f {MANIFEST} -n {NAMESPACE}"
    said = cluster.kubectl(f"{third} --dry-run=server").splitlines()
    expect(all(line.endswith(" created (server dry run)") for line in said), f"{len(said)} objects are accepted")
    objects = cluster.objects(f"{third} --dry-run=server", "three commands")
    secured(objects)
    cluster.kubectl(third)
    # kubectl calls some "configured" every time: defaults within a list, fields that 1.20 does not keep.
    kept = essence(stored(cluster))
    cluster.kubectl(third)
    expect(len(kept) > 9 and essence(stored(cluster)) == kept, "applied again, nothing changes")
    return objects


def stored(cluster):
    return json.loads(cluster.kubectl(f"get -f {MANIFEST} -n {NAMESPACE} -o json"))["items"]


def secured(objects):
    everything(objects)
    expect(accounts(objects) == ["elk-setup"], f"{objects.what}: the Job alone has a token")
    script = objects.config["elk-setup"]["setup.sh"]
    made = set(re.search(r"^keys=\(([^)]*)\)", script, re.MULTILINE)[1].split())
    used = secret_keys(objects)
    expect({pod for pod, _, _ in used} == {"elasticsearch", "kibana", "logstash"}
           and {secret for _, secret, _ in used} == {"elk-passwords"} and {key for _, _, key in used} == made,
           f"{objects.what}: the keys of Secret elk-passwords that Pods refer to are those that the Job makes")
    expect(security(objects) == ["true", "true"], f"{objects.what}: security is on")


def security(objects):
    return [variable["value"] for _, _, container in objects.containers() for variable in container.get("env", [])
            if variable["name"] in SECURITY]


def kustomizations(cluster, by_commands):
    cluster.kubectl(f"delete -f {MANIFEST} -n {NAMESPACE}")
    cluster.kubectl(f"delete configmap logstash-configmap -n {NAMESPACE}")
    plain = cluster.objects(f"apply -k {PLAIN} --dry-run=server", "kustomization")
    secured(plain)
    expect(plain.config == by_commands.config and essence(plain.objects) == essence(by_commands.objects),
           "the kustomization gives the objects of the three commands")
    without = cluster.objects(f"apply -k {OPEN} --dry-run=server", "without security")
    everything(without)
    expect(accounts(without) == [] and not without.one("Role", "elk-setup")["rules"], "without security: nobody has a token")
    expect(secret_keys(without) == [], "without security: nothing needs the Secret")
    expect(security(without) == ["false", "false"], "without security: it is off")
    rest = [one for one in without.objects if one["metadata"]["name"] != "elk-setup" or one["kind"] != "ConfigMap"]
    expect("elk-passwords" not in json.dumps([essence([one]) for one in rest]), "without security: nothing names the Secret")
    for folder in (PLAIN, OPEN):
        newer(cluster, folder)


def essence(objects):
    """What the file said, whatever the way: without times, identities and notes of kubectl's. Ordered."""
    names = ("name", "namespace", "labels")
    kept = [{**one, "metadata": {key: one["metadata"][key] for key in names if key in one["metadata"]}}
            for one in objects if one["kind"] != "ConfigMap"]
    for one in kept:
        if one["kind"] == "Service":
            one["spec"] = {key: value for key, value in one["spec"].items() if key not in ("clusterIP", "clusterIPs")}
        for who in one.get("subjects", []):
            who.setdefault("namespace", NAMESPACE)  # what it means without
        one.pop("status", None)
    kept = [json.loads(re.sub(r'"creationTimestamp": (null|"[^"]*"),? ?', "", json.dumps(one))) for one in kept]
    for one in kept:
        labels = one.get("spec", {}).get("template", {}).get("metadata", {}).get("labels", {})
        for part in (one.get("spec", {}).get("selector", {}).get("matchLabels", {}), labels):
            for name in ("controller-uid", "job-name"):  # random, a Job's own
                part.pop(name, None)
    return sorted(kept, key=lambda one: (one["kind"], one["metadata"]["name"]))


def newer(cluster, folder):
    """The machine's kubectl, when it has another: its kustomize is to read the same out of the folder."""
    other = shutil.which("kubectl")
    version = other and json.loads(run(other, "version", "--client", "-o", "json"))["clientVersion"]["gitVersion"]
    if version is None or version.startswith("v1.20."):
        print(f"not checked: {folder} with a newer kustomize, as there is no newer kubectl")
        return
    known, new = (run(program, "kustomize", ROOT / folder) for program in (cluster.api.programs / "kubectl", other))

    def sorted_variables(text):  # a patched list has another order
        objects = list(yaml.safe_load_all(text))
        for one in objects:
            for container in one.get("spec", {}).get("template", {}).get("spec", {}).get("containers", []):
                container["env"] = sorted(container.get("env", []), key=lambda variable: variable["name"])
        return sorted(objects, key=lambda one: (one["kind"], one["metadata"]["name"]))
    expect(sorted_variables(known) == sorted_variables(new), f"kubectl {version} reads the same out of {folder}")


def job(cluster, script):
    """The Job's script with a token of its account, up to Elasticsearch, which is not there."""
    api = cluster.api
    cluster.kubectl(f"apply -f {MANIFEST} -n {NAMESPACE}")
    folder = cluster.testbed.folder / "account"
    folder.mkdir()
    (folder / "setup.sh").write_text(script)
    (folder / "namespace").write_text(NAMESPACE)
    shutil.copy(api.folder / "ca.crt", folder)
    request = folder / "request.json"
    request.write_text('{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}')

    def setup(account):
        path = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/{account}/token"
        (folder / "token").write_text(json.loads(cluster.kubectl(f"create --raw {path} -f {request}"))["status"]["token"])
        done = subprocess.run(
            ["ip", "netns", "exec", cluster.netns, "bash", folder / "setup.sh"], text=True, capture_output=True, check=False,
            env={**os.environ, "KUBERNETES": SERVER, "SERVICE_ACCOUNT": str(folder), "WAIT_SECONDS": "0",
                 "LIFECYCLE": str(ROOT / FOLDER / "logstash/lifecycle.json"),
                 "ELASTICSEARCH_HOSTS": "http://127.0.0.1:9200"})
        expect(done.returncode == 1, done.stderr.strip())
        return done.stdout + done.stderr

    def secret():
        return json.loads(api.kubectl("get", "secret", "elk-passwords", "-n", NAMESPACE, "-o", "json"))

    api.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "other", "namespace": NAMESPACE}})
    said = setup("other")
    expect('HTTP 403: secrets is forbidden: User "system:' in said, "an account that may not make Secrets is told so")
    said = setup("elk-setup")
    expect("made Secret elk-passwords" in said and "Elasticsearch: gave up" in said, "the Job's own makes the Secret")
    first = secret()
    said = setup("elk-setup")
    expect("is there already" in said and "Elasticsearch: gave up" in said, "and then reads it")
    expect(secret() == first, "and keeps it")
    for verb, what in (("delete", "secrets/elk-passwords"), ("update", "secrets/elk-passwords"), ("list", "secrets"),
                       ("get", "secrets/another"), ("get", "configmaps"), ("create", "pods")):
        may = api.kubectl("auth", "can-i", verb, what, "-n", NAMESPACE,
                          f"--as=system:serviceaccount:{NAMESPACE}:elk-setup", check=False).strip()
        expect(may == "no", f"it may not {verb} {what}")


def main():
    cluster = Cluster()
    by_commands = three_commands(cluster)
    kustomizations(cluster, by_commands)
    cluster.kubectl(f"create configmap logstash-configmap -n {NAMESPACE} --from-file={FOLDER}/logstash/")
    job(cluster, by_commands.config["elk-setup"]["setup.sh"])


main()
