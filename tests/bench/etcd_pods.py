"""Puts Pods into an etcd, 100 a request, run inside its network namespace:
  etcd_pods.py PODS"""

import base64
import json
import sys
import urllib.request
import uuid


def pod(number):
    """As a cluster has them: three quarters of an object are of no use for names."""
    name, node = f"backend-{number % 400}-7d8f9c6b5-{number:05d}", f"node-{number % 200}"
    address = f"10.{20 + number // 65536}.{number // 256 % 256}.{number % 256}"
    return {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "load", "uid": str(uuid.UUID(int=number + 1)),
                     "creationTimestamp": "2024-05-01T10:20:00Z",
                     "labels": {"app": f"backend-{number % 400}", "pod-template-hash": "7d8f9c6b5"},
                     "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "controller": True,
                                          "name": name.rsplit("-", 1)[0], "uid": str(uuid.UUID(int=number % 400 + 1))}]},
        "spec": {"nodeName": node, "restartPolicy": "Always", "serviceAccountName": "default", "dnsPolicy": "ClusterFirst",
                 "containers": [{"name": "main", "image": "registry.example/backend:1.2.3", "imagePullPolicy": "Always",
                                 "env": [{"name": f"SETTING_{i}", "value": f"value {i}"} for i in range(12)],
                                 "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
                                 "ports": [{"containerPort": 8080, "protocol": "TCP"}]}],
                 "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}]},
        "status": {"phase": "Running", "hostIP": "192.0.2.1", "podIP": address, "podIPs": [{"ip": address}],
                   "startTime": "2024-05-01T10:20:30Z", "qosClass": "Burstable",
                   "conditions": [{"type": kind, "status": "True", "lastTransitionTime": "2024-05-01T10:20:40Z"}
                                  for kind in ("Initialized", "Ready", "ContainersReady", "PodScheduled")],
                   "containerStatuses": [{"name": "main", "ready": True, "restartCount": 0, "started": True,
                                          "image": "registry.example/backend:1.2.3", "imageID": "sha256:" + "0" * 64,
                                          "containerID": "containerd://" + "1" * 64,
                                          "state": {"running": {"startedAt": "2024-05-01T10:20:39Z"}}}]}}


def fill(pods):
    for first in range(0, pods, 100):
        puts = [{"requestPut": {"key": base64.b64encode(f"/registry/pods/load/{p['metadata']['name']}".encode()).decode(),
                                "value": base64.b64encode(json.dumps(p).encode()).decode()}}
                for p in map(pod, range(first, first + 100))]
        request = urllib.request.Request("http://127.0.0.1:2379/v3/kv/txn", json.dumps({"success": puts}).encode())
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
            assert json.load(answer)["succeeded"]


fill(int(sys.argv[1]))
