"""The machine side of the cluster: namespaces, veths, one Open vSwitch per Node, rules.

Each Node is a network namespace with an ovsdb-server and an ovs-vswitchd of its own. The Nodes are joined by a veth
pair whose ends are OVS ports, not by a tunnel: it needs no kernel module, works the same with both datapaths, and to
the exporter both are just a port that is no Pod's.
"""

import os
import subprocess
from dataclasses import dataclass, field

import rules
from process import DemoError, command, wait_until

COLLECTOR_ADDRESS = "198.19.0.1"  # RFC 2544's benchmark range: cannot meet a drawn address
SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
UPLINK, GATEWAY, BRIDGE = "uplink", "antrea-gw0", "br-int"


@dataclass
class NodeSide:
    """Where a Node lives: its namespace, its OVS run folder, its Pods' namespaces by Pod name."""
    node: object
    namespace: str
    rundir: str
    pod_namespaces: dict = field(default_factory=dict)

    @property
    def db(self):
        return f"unix:{self.rundir}/db.sock"


def datapath_type(wanted):
    """"system" where the kernel module is to be had, "netdev" (userspace) elsewhere; wanted: those or "auto"."""
    if wanted != "auto":
        return wanted
    if not os.path.isdir("/sys/module/openvswitch"):
        subprocess.run(["modprobe", "-q", "openvswitch"], stderr=subprocess.DEVNULL)
    return "system" if os.path.isdir("/sys/module/openvswitch") else "netdev"


def _ip(namespace, *lines):
    command(["ip", "-n", namespace, "-batch", "-"], stdin="\n".join(lines) + "\n")


def _quiet_interface(namespace, interface):
    """Segments and checksums made before the device: OVS, conntrack and the referee then count the same packets."""
    command(["ethtool", "-K", interface, "tx", "off", "tso", "off", "gso", "off", "gro", "off"], namespace=namespace)


def _write_sysctl(namespace, values):
    script = "; ".join(f"echo {v} > /proc/sys/{k} || true" for k, v in values.items())
    command(["sh", "-c", f"({script}) 2>/dev/null"], namespace=namespace)


def _start_ovs(folder, side, datapath):
    environment = {f"OVS_{k}": side.rundir for k in ("RUNDIR", "LOGDIR", "DBDIR", "SYSCONFDIR")}
    name = os.path.basename(side.rundir)
    command(["ovsdb-tool", "create", f"{side.rundir}/conf.db", SCHEMA])
    folder.start(f"ovsdb-server.{name}",
                 ["ovsdb-server", f"{side.rundir}/conf.db", f"--remote=punix:{side.rundir}/db.sock",
                  f"--pidfile={side.rundir}/ovsdb-server.pid"],
                 namespace=side.namespace, environment=environment)
    wait_until("ovsdb-server", lambda: os.path.exists(f"{side.rundir}/db.sock"), 10, folder.require_alive)
    command(["ovs-vsctl", f"--db={side.db}", "--no-wait", "init"])
    folder.start(f"ovs-vswitchd.{name}",
                 ["ovs-vswitchd", side.db, f"--pidfile={side.rundir}/ovs-vswitchd.pid"],
                 namespace=side.namespace, environment=environment)
    command(["ovs-vsctl", f"--db={side.db}", "--timeout=20", "add-br", BRIDGE, "--",
             "set", "bridge", BRIDGE, f"datapath_type={datapath}", "fail_mode=secure"])


def _make_pod(folder, side, pod, role):
    namespace = folder.namespace(role)
    side.pod_namespaces[pod.name] = namespace
    node = side.node
    _ip(side.namespace,
        f"link add {pod.interface} type veth peer name eth0 netns {namespace}",
        f"link set {pod.interface} addrgenmode none up")
    neighbours = [(p.ipv4, p.mac) for p in node.pods] + [(p.ipv6, p.mac) for p in node.pods]
    neighbours += [(node.gateway4, node.gateway_mac), (node.gateway6, node.gateway_mac)]
    _ip(namespace,
        f"link set eth0 address {pod.mac} addrgenmode none up",
        f"addr add {pod.ipv4}/24 dev eth0",
        f"addr add {pod.ipv6}/64 dev eth0 nodad",
        *(f"neigh replace {address} lladdr {mac} dev eth0 nud permanent"
          for address, mac in neighbours if address not in (pod.ipv4, pod.ipv6)),
        f"route add default via {node.gateway4}",
        f"route add ::/0 via {node.gateway6}")
    _quiet_interface(namespace, "eth0")
    _quiet_interface(side.namespace, pod.interface)


def _add_ports(side):
    node = side.node
    argv = ["ovs-vsctl", f"--db={side.db}", "--timeout=20"]
    argv += ["--", "add-port", BRIDGE, UPLINK, "--", "set", "interface", UPLINK, f"ofport_request={node.UPLINK_PORT}"]
    argv += ["--", "add-port", BRIDGE, GATEWAY, "--", "set", "interface", GATEWAY, "type=internal",
             f"ofport_request={node.GATEWAY_PORT}", f'mac="{node.gateway_mac}"']
    for pod in node.pods:
        argv += ["--", "add-port", BRIDGE, pod.interface,
                 "--", "set", "interface", pod.interface, f"ofport_request={pod.ofport}",
                 "--", "set", "port", pod.interface,  # where Antrea keeps them
                 f"external_ids:pod-name={pod.name}", f"external_ids:pod-namespace={pod.namespace}",
                 f'external_ids:ip-address="{pod.ipv4},{pod.ipv6}"', f'external_ids:attached-mac="{pod.mac}"',
                 f"external_ids:container-id={pod.uid.replace('-', '')}"]
    command(argv)


def _make_gateway(side):
    node = side.node
    _ip(side.namespace,
        f"link set {GATEWAY} address {node.gateway_mac} addrgenmode none up",
        f"addr add {node.gateway4}/24 dev {GATEWAY}",
        f"addr add {node.gateway6}/64 dev {GATEWAY} nodad",
        f"addr add {node.ipv4}/32 dev lo",
        f"addr add {node.ipv6}/128 dev lo nodad",
        *(f"neigh replace {p.ipv4} lladdr {p.mac} dev {GATEWAY} nud permanent" for p in node.pods),
        *(f"neigh replace {p.ipv6} lladdr {p.mac} dev {GATEWAY} nud permanent" for p in node.pods))
    _quiet_interface(side.namespace, GATEWAY)


def _load_rules(cluster, side):
    command(["ovs-ofctl", "-O", "OpenFlow15", "add-flows", f"{side.rundir}/{BRIDGE}.mgmt", "-"],
            stdin=rules.openflow(cluster, side.node))
    for port, number in [(UPLINK, side.node.UPLINK_PORT), (GATEWAY, side.node.GATEWAY_PORT),
                         *((p.interface, p.ofport) for p in side.node.pods)]:
        got = command(["ovs-vsctl", f"--db={side.db}", "get", "interface", port, "ofport"]).strip()
        if got != str(number):
            raise DemoError(f"{side.node.name}: port {port} got OpenFlow number {got}, the rules say {number}")


def _join_nodes(sides):
    first, second = (s.namespace for s in sides)
    _ip(first, f"link add {UPLINK} type veth peer name {UPLINK} netns {second}")
    for namespace in (first, second):
        _ip(namespace, f"link set {UPLINK} addrgenmode none up")
        _quiet_interface(namespace, UPLINK)


def _join_collector(namespace, sides):
    """A veth from each Node to the collector, apart from the bridges: exported records are not traffic of the Pods."""
    _ip(namespace, f"addr add {COLLECTOR_ADDRESS}/32 dev lo")
    for index, side in enumerate(sides):
        _ip(side.namespace,
            f"link add mgmt type veth peer name node{index} netns {namespace}",
            f"addr add 198.18.{index}.2/30 dev mgmt",
            "link set mgmt up")
        _ip(namespace, f"addr add 198.18.{index}.1/30 dev node{index}", f"link set node{index} up")
        _ip(side.namespace, f"route add {COLLECTOR_ADDRESS}/32 via 198.18.{index}.1")


def build(folder, cluster, datapath):
    """Makes it all; returns the Node sides and the collector's namespace."""
    collector_namespace = folder.namespace("collector")
    sides = []
    for index, node in enumerate(cluster.nodes):
        sides.append(NodeSide(node, folder.namespace(f"node{index}"), folder.subfolder(node.name)))
        # A reply leaves by another interface than the one an address is on: rp_filter would drop it.
        _write_sysctl(sides[-1].namespace, {f"net/ipv4/conf/{c}/rp_filter": 0 for c in ("all", "default")})
    _join_collector(collector_namespace, sides)
    _join_nodes(sides)
    for index, side in enumerate(sides):
        _start_ovs(folder, side, datapath)
        for number, pod in enumerate(side.node.pods):
            _make_pod(folder, side, pod, f"pod{index}{number}")
        _add_ports(side)
        _make_gateway(side)
        _load_rules(cluster, side)
    return sides, collector_namespace


def lookups(side):
    """What Open vSwitch's datapath says of its flow table: "lookups: hit:HITS missed:UPCALLS lost:LOST-UPCALLS"."""
    text = command(["ovs-appctl", "-T", "5", "-t", "ovs-vswitchd", "dpctl/show"],
                   environment={"OVS_RUNDIR": side.rundir})
    return next((line.strip() for line in text.splitlines() if "lookups:" in line), "lookups: not told")
