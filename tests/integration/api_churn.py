"""Changes objects of an API server as fast as it takes it, run inside a test's network namespace:
  api_churn.py SERVER:PORT AUTHORITY TOKEN SEED SECONDS
Pods come and go on two Nodes, take addresses from a small range (so that they are used again), end and move on; Services
and Nodes come, change and go. Ends by printing how many requests did what, as JSON."""

import collections
import http.client
import json
import random
import ssl
import sys
import time

PODS, SERVICES, NODES = 120, 40, 6


class Churn:
    def __init__(self, server, authority, token, seed):
        self.connection = http.client.HTTPSConnection(server, timeout=30,
                                                      context=ssl.create_default_context(cafile=authority))
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.random, self.done = random.Random(seed), collections.Counter()

    def ask(self, method, path, body=None):
        self.connection.request(method, path, json.dumps(body) if body else None, self.headers)
        answer = self.connection.getresponse()
        content = answer.read()
        self.done[f"{method} {answer.status}"] += 1
        return json.loads(content) if answer.status < 300 else None

    def pod(self):
        name = f"p{self.random.randrange(PODS)}"
        path = f"/api/v1/namespaces/tests/pods/{name}"
        if self.random.random() < 0.3:
            return self.ask("DELETE", path, {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0})
        made = self.ask("POST", path.rsplit("/", 1)[0], {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "tests"},
            "spec": {"nodeName": self.random.choice(("node-a", "node-a", "node-b")),
                     "containers": [{"name": "main", "image": "none"}]}}) or self.ask("GET", path)
        if made is None:
            return None
        address = f"10.20.1.{self.random.randrange(1, 60)}"
        made["status"] = {"phase": self.random.choice(("Running", "Running", "Running", "Succeeded")),
                          "podIP": address, "podIPs": [{"ip": address}], "startTime": "2024-05-01T10:20:30Z"}
        return self.ask("PUT", f"{path}/status", made)

    def service(self):
        name = f"s{self.random.randrange(SERVICES)}"
        path = f"/api/v1/namespaces/tests/services/{name}"
        if self.random.random() < 0.3:
            return self.ask("DELETE", path)
        ports = [{"name": f"n{i}", "port": 80 + i, "protocol": self.random.choice(("TCP", "UDP"))}
                 for i in range(self.random.randrange(1, 4))]
        found = self.ask("GET", path)
        if found is None:
            return self.ask("POST", path.rsplit("/", 1)[0], {
                "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "tests"},
                "spec": {"ports": ports, "type": self.random.choice(("ClusterIP", "NodePort"))}})
        found["spec"]["ports"] = ports
        return self.ask("PUT", path, found)

    def node(self):
        number = self.random.randrange(NODES)
        path = f"/api/v1/nodes/extra-{number}"
        if self.random.random() < 0.3:
            return self.ask("DELETE", path)
        cidr = f"10.30.{number}.0/24"
        return self.ask("POST", "/api/v1/nodes", {"apiVersion": "v1", "kind": "Node",
                                                  "metadata": {"name": f"extra-{number}"},
                                                  "spec": {"podCIDR": cidr, "podCIDRs": [cidr]}})


def main():
    server, authority, token, seed, seconds = sys.argv[1:]
    churn = Churn(server, authority, token, int(seed))
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end:
        churn.random.choices((churn.pod, churn.service, churn.node), (8, 2, 1))[0]()
    print(json.dumps(churn.done))


if __name__ == "__main__":
    main()
