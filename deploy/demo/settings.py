"""What the bridge and the exporter of a Node are given: Kubernetes objects and an antrea-agent.conf."""

import datetime


def _node(node):
    return f"""\
apiVersion: v1
kind: Node
metadata:
  name: {node.name}
spec:
  podCIDR: {node.cidr4}
  podCIDRs: ["{node.cidr4}", "{node.cidr6}"]
status:
  addresses:
  - {{type: InternalIP, address: "{node.ipv4}"}}
  - {{type: InternalIP, address: "{node.ipv6}"}}
  - {{type: Hostname, address: {node.name}}}
"""


def _pod(pod, started):
    return f"""\
apiVersion: v1
kind: Pod
metadata:
  name: {pod.name}
  namespace: {pod.namespace}
  uid: {pod.uid}
spec:
  nodeName: {pod.node}
status:
  phase: Running
  podIP: "{pod.ipv4}"
  podIPs:
  - ip: "{pod.ipv4}"
  - ip: "{pod.ipv6}"
  startTime: "{started}"
"""


def _service(service):
    return f"""\
apiVersion: v1
kind: Service
metadata:
  name: {service.name}
  namespace: {service.namespace}
spec:
  type: ClusterIP
  clusterIP: "{service.cluster_ip}"
  clusterIPs: ["{service.cluster_ip}"]
  ports:
  - name: {service.port_name}
    protocol: {"TCP" if service.protocol == 6 else "UDP"}
    port: {service.port}
    targetPort: {service.target_port}
"""


def objects_yaml(cluster):
    """Nodes, Pods and Services as `kubectl get -o yaml` would show them, for `k8s-bridge --static`."""
    a_minute_ago = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=1)
    started = a_minute_ago.strftime("%Y-%m-%dT%H:%M:%SZ")
    documents = [_node(n) for n in cluster.nodes]
    documents += [_pod(p, started) for p in cluster.pods]
    documents += [_service(s) for s in cluster.services]
    return "---\n".join(documents)


def exporter_conf(collector, socket, exact_accounting):
    """collector: "ADDR:PORT:PROTO". Accounting is exact by itself where the kernel's conntrack counts."""
    return f"""\
featureGates:
  FlowExporter: true
  AntreaProxy: true
flowCollectorAddr: "{collector}"
flowPollInterval: "1s"
flowExportFrequency: 3
ovsFlowExporter:
  bridge: br-int
  exactAccounting: {"true" if exact_accounting else "false"}
  metadataSocket: "{socket}"
"""
