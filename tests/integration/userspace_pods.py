"""Two Pods on the userspace datapath (or the kernel's) of a real Open vSwitch, with a Service address in front of the second."""

from bridge_pods import BridgePods
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


class UserspacePods(BridgePods):
    def __init__(self, testbed, datapath_type="netdev"):
        super().__init__(testbed, 78, 2, RULES, datapath_type)
        self.referee = Referee(self.node, ["p1", "p2"])
