"""Two Pods on the userspace datapath (or the kernel's) of a real Open vSwitch, with a Service address in front of the second."""

import os

from harness import OvsDatabase, run, wait_for
from referee import Referee

SERVICE = "10.96.0.10"
# Neighbour discovery and the kernels' multicast listener reports, which come whenever they please, belong to no connection.
RULES = """
table=0,priority=110,arp actions=NORMAL
table=0,priority=110,icmp6,icmp_type=135 actions=NORMAL
table=0,priority=110,icmp6,icmp_type=136 actions=NORMAL
table=0,priority=110,icmp6,icmp_type=143 actions=NORMAL
table=0,priority=100,ip actions=ct(table=10,zone=65520,nat)
table=0,priority=100,ipv6 actions=ct(table=10,zone=65510,nat)
table=10,priority=200,ct_state=-new+trk actions=resubmit(,20)
table=10,priority=150,tcp,ct_state=+new+trk,nw_dst=10.96.0.10,tp_dst=80 actions=ct(commit,table=20,zone=65520,nat(dst=10.78.0.2:5201))
table=10,priority=100,ip,ct_state=+new+trk actions=ct(commit,table=20,zone=65520)
table=10,priority=100,ipv6,ct_state=+new+trk actions=ct(commit,table=20,zone=65510)
table=20,priority=100,ip,nw_dst=10.78.0.1 actions=mod_dl_dst:0a:00:00:00:00:01,output:1
table=20,priority=100,ip,nw_dst=10.78.0.2 actions=mod_dl_dst:0a:00:00:00:00:02,output:2
table=20,priority=90,ipv6 actions=NORMAL
"""


class UserspacePods:
    """node: the namespace of Open vSwitch; pods[i]: (namespace, IPv4, IPv6)."""

    def __init__(self, testbed, datapath_type="netdev"):
        self.node = testbed.namespace("node")
        self.database = OvsDatabase(testbed, self.node, datapath_type, vswitchd=True)
        self.pods = [self._pod(testbed, index) for index in (1, 2)]
        for namespace, _, _ in self.pods:
            run("ip", "-n", namespace, "neigh", "add", "10.78.0.254", "lladdr", "0a:00:00:00:00:fe", "dev", "eth0", "nud",
                "permanent")
            run("ip", "-n", namespace, "route", "add", "10.96.0.0/16", "via", "10.78.0.254")
        self.install_rules()
        self.referee = Referee(self.node, ["p1", "p2"])

    def _pod(self, testbed, index):
        pod, device = testbed.namespace(f"pod{index}"), f"p{index}"
        run("ip", "-n", self.node, "link", "add", device, "type", "veth", "peer", "name", "eth0", "netns", pod)
        run("ip", "-n", self.node, "link", "set", device, "up")
        run("ip", "-n", pod, "link", "set", "eth0", "address", f"0a:00:00:00:00:0{index}", "up")
        v4, v6 = f"10.78.0.{index}", f"fd78::{index}"
        run("ip", "-n", pod, "addr", "add", f"{v4}/24", "dev", "eth0")
        run("ip", "-n", pod, "addr", "add", f"{v6}/64", "dev", "eth0", "nodad")
        for namespace, name in ((pod, "eth0"), (self.node, device)):  # whole, checksummed segments, as the wire has them
            run("ip", "netns", "exec", namespace, "ethtool", "-K", name, "tx", "off", "tso", "off", "gso", "off", "gro",
                "off")
        self.database.vsctl("add-port", "br-int", device, "--", "set", "interface", device, f"ofport_request={index}",
                            f"external_ids:pod-name=pod{index}", "external_ids:pod-namespace=tests",
                            f'external_ids:ip-address="{v4},{v6}"')
        return pod, v4, v6

    def install_rules(self):
        """Also after ovs-vswitchd was started again: it keeps no rules."""
        control, environment = self.database.rundir / "br-int.mgmt", {**os.environ, **self.database.environment}
        wait_for("the bridge's OpenFlow socket", lambda: run("ovs-ofctl", "show", control, check=False, env=environment))
        run("ovs-ofctl", "add-flows", control, "-", input=RULES, env=environment)
