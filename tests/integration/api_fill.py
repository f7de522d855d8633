"""Fills an API server with Pods and Services, run inside a test's network namespace:
  api_fill.py SERVER:PORT AUTHORITY TOKEN PODS SERVICES
Four at a time; a Pod is created and then gets its address, as a kubelet would say it."""

import concurrent.futures
import json
import sys

from api_churn import Churn


def fill(server, authority, token, kind, numbers):
    asks = Churn(server, authority, token, 0)
    for number in numbers:
        if kind == "service":
            asks.ask("POST", "/api/v1/namespaces/tests/services", {
                "apiVersion": "v1", "kind": "Service", "metadata": {"name": f"many-{number}", "namespace": "tests"},
                "spec": {"ports": [{"name": "http", "port": 80}]}})
            continue
        path = "/api/v1/namespaces/tests/pods"
        made = asks.ask("POST", path, {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"many-{number}", "namespace": "tests"},
            "spec": {"nodeName": "node-a", "containers": [{"name": "main", "image": "none"}]}})
        address = f"10.21.{number // 250}.{number % 250 + 1}"
        made["status"] = {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}],
                          "startTime": "2024-05-01T10:20:30Z"}
        asks.ask("PUT", f"{path}/many-{number}/status", made)
    return asks.done


def main():
    server, authority, token, pods, services = sys.argv[1:]
    at_once = 4
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        parts = [pool.submit(fill, server, authority, token, kind, range(part, int(count), at_once))
                 for kind, count in (("pod", pods), ("service", services)) for part in range(at_once)]
        print(json.dumps(sum((part.result() for part in parts[1:]), parts[0].result())))


if __name__ == "__main__":
    main()
