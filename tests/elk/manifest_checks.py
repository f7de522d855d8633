"""What an API server does not check: that what the objects of the ELK flow collector name exists. Objects are those that
the server gave back, with its defaults."""

import pathlib
import re

from harness import expect

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAMESPACE = "elk-flow-collector"
FILES = ROOT / "deploy/elk-flow-collector/logstash"
IMAGE = re.compile(r"docker\.elastic\.co/(?:elasticsearch/elasticsearch|kibana/kibana|logstash/logstash):(\d+\.\d+\.\d+)")


class Objects:
    """config: the ConfigMaps' data by name, with that of the logstash folder."""

    def __init__(self, objects, what):
        self.objects, self.what = objects, what
        self.config = {one["metadata"]["name"]: one["data"] for one in self.of("ConfigMap")}

    def of(self, kind):
        return [one for one in self.objects if one["kind"] == kind]

    def one(self, kind, name):
        return next(one for one in self.of(kind) if one["metadata"]["name"] == name)

    def pods(self):
        """(name, kind, template, names of the claims) of each Pod that will be."""
        for kind in ("Deployment", "StatefulSet", "Job"):
            for one in self.of(kind):
                claims = [claim["metadata"]["name"] for claim in one["spec"].get("volumeClaimTemplates", [])]
                yield one["metadata"]["name"], kind, one["spec"]["template"], claims

    def containers(self):
        for name, kind, template, _ in self.pods():
            for container in template["spec"]["containers"]:
                yield name, kind, container

    def expect_none(self, wrong, what):
        expect(not wrong, f"{self.what}: {what}" + "".join(f"\n  but: {one}" for one in wrong))


def images(objects):
    versions = {name: IMAGE.fullmatch(container["image"]) for name, _, container in objects.containers()}
    objects.expect_none([name for name, found in versions.items() if found is None], "every image has its version")
    expect(len({found[1] for found in versions.values()}) == 1, f"{objects.what}: all images are of one version")


def containers(objects):
    wrong = []
    for name, kind, container in objects.containers():
        probes = () if kind == "Job" else ("startupProbe", "readinessProbe", "livenessProbe")
        wrong += [f"{name}: no {probe}" for probe in probes if probe not in container]
        wrong += [f"{name}: no {part} of {what}" for part in ("requests", "limits") for what in ("cpu", "memory")
                  if what not in container["resources"].get(part, {})]
        ports = {port["name"] for port in container.get("ports", [])}
        for probe in probes:
            named = [check["port"] for check in container[probe].values() if isinstance(check, dict) and "port" in check]
            wrong += [f"{name}: {probe} names port {port}" for port in named if port not in ports]
        rights = container["securityContext"]
        if rights["allowPrivilegeEscalation"] or rights["capabilities"]["drop"] != ["ALL"]:
            wrong.append(f"{name}: {rights}")
    objects.expect_none(wrong, "every container has requests, limits, no rights, and probes of ports that it has")
    wrong = [name for name, _, template, _ in objects.pods()
             if not (rights := template["spec"]["securityContext"])["runAsNonRoot"] or "fsGroup" not in rights
             or rights["seccompProfile"]["type"] != "RuntimeDefault"]
    objects.expect_none(wrong, "every Pod runs as another than root, under the runtime's seccomp profile")


def mounted(objects, template, claims):
    """path → "volume" for what is written, or the key of a ConfigMap; and what is wrong with the volumes."""
    files, wrong = {}, []
    volumes = {volume["name"]: volume for volume in template["spec"].get("volumes", [])}
    for container in template["spec"]["containers"]:
        for mount in container.get("volumeMounts", []):
            name, path = mount["name"], mount["mountPath"]
            if name in claims or "emptyDir" in volumes.get(name, {}):
                files[path] = "volume"
                continue
            source = volumes.get(name, {}).get("configMap")
            if source is None or source["name"] not in objects.config:
                wrong.append(f"volume {name}: {source}")
                continue
            data = objects.config[source["name"]]
            items = {item["path"]: item["key"]
                     for item in source.get("items", [{"key": key, "path": key} for key in data])}
            wrong += [f"{source['name']} has no {key}" for key in items.values() if key not in data]
            if "subPath" in mount:
                wrong += [] if mount["subPath"] in items else [f"subPath {mount['subPath']}"]
                files[path] = (source["name"], items.get(mount["subPath"]))
            else:
                files.update({f"{path}/{file}": (source["name"], key) for file, key in items.items()})
    return files, wrong


def volumes(objects):
    seen, wrong = {}, []
    for name, _, template, claims in objects.pods():
        seen[name], more = mounted(objects, template, claims)
        wrong += [f"{name}: {one}" for one in more]
    objects.expect_none(wrong, "every volume, key and subPath that a container mounts exists")
    expect(seen["elasticsearch"] == {"/usr/share/elasticsearch/data": "volume"}
           and objects.one("StatefulSet", "elasticsearch")["spec"]["volumeClaimTemplates"],
           f"{objects.what}: the claim lies where Elasticsearch keeps its data")
    used = {key for files in seen.values() for source, key in filter(lambda one: one != "volume", files.values())
            if source == "logstash-configmap"}
    expect(used == {path.name for path in FILES.iterdir()} == set(objects.config["logstash-configmap"]),
           f"{objects.what}: the files of logstash/, the keys of logstash-configmap and what Pods mount are the same")
    logstash_paths(objects, seen["logstash"])


def logstash_paths(objects, files):
    """files: path → what the container has there."""
    pipeline = "\n".join(line.split("#")[0] for line in objects.config["logstash-configmap"]["logstash.conf"].splitlines())
    named = re.findall(r'"(/[^"]*)"', pipeline)
    objects.expect_none([path for path in named if path not in files],
                        f"every path that logstash.conf names is mounted: {', '.join(named)}")
    cache = re.search(r'cache_save_path => "([^"]*)"', pipeline)[1]
    expect(files[cache] == "volume" and all(file != "volume" for path, file in files.items() if path != cache),
           f"{objects.what}: templates are kept in the claim, at {cache}")
    container = objects.one("StatefulSet", "logstash")["spec"]["template"]["spec"]["containers"][0]
    expect(container["args"][0] == "-f" and files[container["args"][1]] == ("logstash-configmap", "logstash.conf"),
           f"{objects.what}: logstash.conf alone is the pipeline")
    expect(files["/usr/share/logstash/config/logstash.yml"] == ("logstash-configmap", "logstash.yml"),
           f"{objects.what}: logstash.yml lies where Logstash reads it")
    port, = set(re.findall(r"port => (\d+)", pipeline))
    ipfix = next(one for one in container["ports"] if one["name"] == "ipfix")
    probe = container["readinessProbe"]["exec"]["command"][-1]
    expect((ipfix["containerPort"], ipfix["protocol"]) == (int(port), "UDP") and f":{int(port):04X}\\ " in probe,
           f"{objects.what}: container, readiness probe and logstash.conf mean UDP port {port}")


def variables(objects):
    """What a file takes from the environment without a default is there."""
    wrong = []
    for name, file in (("logstash", objects.config["logstash-configmap"]["logstash.conf"]),
                       ("kibana", objects.config["kibana"]["kibana.yml"])):
        container = next(container for pod, _, container in objects.containers() if pod == name)
        given = {variable["name"] for variable in container.get("env", [])}
        wrong += [f"{name}: {variable}" for variable in re.findall(r"\$\{(\w+)\}", file) if variable not in given]
    objects.expect_none(wrong, "every variable that a configuration file needs is given")
    port = objects.one("Service", "elasticsearch")["spec"]["ports"][0]["port"]
    texts = [variable["value"] for _, _, container in objects.containers() for variable in container.get("env", [])
             if variable["name"] == "ELASTICSEARCH_HOSTS"] + [objects.config["kibana"]["kibana.yml"]]
    expect(len(texts) == 3 and all(f"http://elasticsearch:{port}" in text for text in texts),
           f"{objects.what}: Logstash, Kibana and the Job know Elasticsearch by its Service")


def services(objects):
    wrong = []
    for service in objects.of("Service"):
        name, spec = service["metadata"]["name"], service["spec"]
        chosen = [template for _, _, template, _ in objects.pods()
                  if spec["selector"].items() <= template["metadata"]["labels"].items()]
        if len(chosen) != 1:
            wrong.append(f"{name} selects {len(chosen)} kinds of Pod")
            continue
        ports = {(port["name"], port["protocol"])
                 for container in chosen[0]["spec"]["containers"] for port in container["ports"]}
        wrong += [f"{name}: no port {port['targetPort']}" for port in spec["ports"]
                  if (port["targetPort"], port["protocol"]) not in ports]
    names = [one["metadata"]["name"] for one in objects.of("Service")]
    wrong += [one["spec"]["serviceName"] for one in objects.of("StatefulSet") if one["spec"]["serviceName"] not in names]
    wrong += [one["metadata"]["name"] for kind in ("Deployment", "StatefulSet") for one in objects.of(kind)
              if one["spec"]["selector"]["matchLabels"].items() - one["spec"]["template"]["metadata"]["labels"].items()
              or one["spec"]["replicas"] != 1]
    objects.expect_none(wrong, "every Service has its Pods and their ports, every StatefulSet its Service")
    for name, kind, protocol, port, node_port in (("kibana", "NodePort", "TCP", 5601, 30007),
                                                  ("logstash", "NodePort", "UDP", 4739, 30739)):
        spec = objects.one("Service", name)["spec"]
        expect([spec["type"], *((one["protocol"], one["port"], one["nodePort"]) for one in spec["ports"])]
               == [kind, (protocol, port, node_port)], f"{objects.what}: {name} is at {protocol} {node_port} of every Node")


def accounts(objects):
    """Who has a token: the Job, and it may do what it needs."""
    there = {one["metadata"]["name"] for one in objects.of("ServiceAccount")} | {"default"}
    wrong = [name for name, _, template, _ in objects.pods()
             if template["spec"].get("serviceAccountName", "default") not in there]
    for binding in objects.of("RoleBinding"):
        wrong += [] if binding["roleRef"]["name"] in {one["metadata"]["name"] for one in objects.of("Role")} else [binding]
        # Without a namespace it is the binding's.
        wrong += [who for who in binding["subjects"]
                  if who["name"] not in there or who.get("namespace", NAMESPACE) != NAMESPACE]
    objects.expect_none(wrong, "every ServiceAccount and Role that is named exists")
    return [name for name, _, template, _ in objects.pods() if template["spec"].get("automountServiceAccountToken", True)]


def secret_keys(objects):
    """(Pod, Secret, key) wherever a variable comes from a Secret."""
    return [(name, source["name"], source["key"]) for name, _, container in objects.containers()
            for variable in container.get("env", [])
            if (source := variable.get("valueFrom", {}).get("secretKeyRef")) is not None]


def everything(objects):
    for check in (images, containers, volumes, variables, services):
        check(objects)
