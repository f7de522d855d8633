"""Two Pods and a Service of both families: shop/client asks store/web, which store/server answers (conntrack_lab's Pods)."""

ADDRESS, ADDRESS_V6 = "10.96.0.10", "fd00:96::10"
NAT = """
table inet web {
  chain prerouting {
    type nat hook prerouting priority dstnat;
    ip daddr 10.96.0.10 tcp dport 80 dnat ip to 10.77.2.2:5201
    ip6 daddr fd00:96::10 tcp dport 80 dnat ip6 to [fd77:2::2]:5201
  }
}
"""
OBJECTS = """
kind: Node
metadata: {name: node-a}
spec: {podCIDRs: ["10.77.0.0/16", "fd77::/16"]}
status: {addresses: [{type: InternalIP, address: "192.0.2.1"}]}
---
kind: Pod
metadata: {name: client, namespace: shop, uid: p1}
spec: {nodeName: node-a}
status: {phase: Running, podIPs: [{ip: "10.77.1.2"}, {ip: "fd77:1::2"}]}
---
kind: Pod
metadata: {name: server, namespace: store, uid: p2}
spec: {nodeName: node-a}
status: {phase: Running, podIPs: [{ip: "10.77.2.2"}, {ip: "fd77:2::2"}]}
---
kind: Service
metadata: {name: web, namespace: store}
spec: {clusterIP: 10.96.0.10, clusterIPs: [10.96.0.10, "fd00:96::10"], ports: [{name: http, port: 80}]}
"""
