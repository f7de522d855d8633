"""What k8s/show has to say, worked out from kubectl's objects by code other than the product's, and what it says."""

import ipaddress
import json

PROTOCOLS = {"TCP": 6, "UDP": 17, "SCTP": 132}


def addresses(texts):
    return sorted(str(ipaddress.ip_address(text)) for text in texts)


def pod(item):
    status, metadata = item.get("status", {}), item["metadata"]
    start = status.get("startTime") or metadata["creationTimestamp"]
    ended = {"ended": True} if status.get("phase") in ("Succeeded", "Failed") else {}
    return {"name": f"{metadata['namespace']}/{metadata['name']}", "uid": metadata["uid"], **ended,
            "node": item["spec"].get("nodeName", ""), "addresses": addresses(a["ip"] for a in status.get("podIPs", [])),
            "hostNetwork": item["spec"].get("hostNetwork", False), "start": start.replace("Z", ".000Z")}


def service(item):
    spec, metadata = item["spec"], item["metadata"]
    ingress = item.get("status", {}).get("loadBalancer", {}).get("ingress", [])
    return {"name": f"{metadata['namespace']}/{metadata['name']}", "type": spec["type"],
            "clusterIPs": addresses(a for a in spec.get("clusterIPs", []) if a != "None"),
            "externalIPs": addresses(spec.get("externalIPs", []) + [point["ip"] for point in ingress if "ip" in point]),
            "ports": [{"name": port.get("name", ""), "port": port["port"], "protocol": PROTOCOLS[port["protocol"]],
                       "nodePort": port.get("nodePort", 0)} for port in spec.get("ports", [])]}


def node(item):
    listed = item.get("status", {}).get("addresses", [])
    return {"name": item["metadata"]["name"],
            "addresses": addresses(a["address"] for a in listed if a["type"] in ("InternalIP", "ExternalIP")),
            "podCIDRs": sorted(str(ipaddress.ip_network(cidr)) for cidr in item["spec"].get("podCIDRs", []))}


def expected(api, node_name):
    """Of every kind, by name. The bridge serves its own Node's Pods."""
    pods = api.get("pods", "--all-namespaces", f"--field-selector=spec.nodeName={node_name}")
    found = {"pods": map(pod, pods["items"]), "services": map(service, api.get("services", "-A")["items"]),
             "nodes": map(node, api.get("nodes")["items"])}
    return {kind: {item["name"]: item for item in items} for kind, items in found.items()}


def shown(exporter):
    show = json.loads(exporter.appctl("k8s/show", "--json"))
    for kind, lists in (("pods", ["addresses"]), ("services", ["clusterIPs", "externalIPs"]),
                        ("nodes", ["addresses", "podCIDRs"])):
        for item in show[kind]["items"]:
            for name in lists:
                item[name] = sorted(item[name])
    return {kind: {item["name"]: item for item in show[kind]["items"]} for kind in ("pods", "services", "nodes")}
