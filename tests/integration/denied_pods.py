"""Three Pods on the userspace datapath of a real Open vSwitch, whose rules drop for every reason there is: a policy's
(after conntrack, by a port; by a register), anti-spoofing (a table's default), an invalid state, and a table that no rule
of which matches."""

from bridge_pods import BridgePods

POLICY_PORT, POLICY_COOKIE = 9999, 0xd0
REGISTER_PORT, REGISTER_COOKIE = 7777, 0xd1
SPOOF_TABLE, POLICY_TABLE, STATE_TABLE, METRIC_TABLE, FORWARD_TABLE = 10, 60, 31, 61, 70
RULES = """
table=0,priority=110,arp actions=NORMAL
table=0,priority=110,icmp6,icmp_type=135 actions=NORMAL
table=0,priority=110,icmp6,icmp_type=136 actions=NORMAL
table=0,priority=100 actions=goto_table:10
table=10,priority=200,ip,in_port=1,dl_src=0a:00:00:00:00:01,nw_src=10.79.0.1 actions=goto_table:30
table=10,priority=200,ip,in_port=2,dl_src=0a:00:00:00:00:02,nw_src=10.79.0.2 actions=goto_table:30
table=10,priority=200,ip,in_port=3,dl_src=0a:00:00:00:00:03,nw_src=10.79.0.3 actions=goto_table:30
table=10,priority=200,ipv6,in_port=1,dl_src=0a:00:00:00:00:01,ipv6_src=fd79::1 actions=goto_table:30
table=10,priority=200,ipv6,in_port=2,dl_src=0a:00:00:00:00:02,ipv6_src=fd79::2 actions=goto_table:30
table=10,priority=0,cookie=0xaa actions=drop
table=30,priority=200,ip actions=ct(table=31,zone=65520,nat)
table=30,priority=200,ipv6 actions=ct(table=31,zone=65510,nat)
table=31,priority=200,cookie=0x1e,ct_state=+inv+trk actions=drop
table=31,priority=190,ct_state=-new+trk actions=goto_table:70
table=31,priority=0 actions=goto_table:60
table=60,priority=200,cookie=0xd0,tcp,tp_dst=9999 actions=drop
table=60,priority=200,cookie=0xd0,tcp6,tp_dst=9999 actions=drop
table=60,priority=200,cookie=0xd0,udp,tp_dst=9999 actions=drop
table=60,priority=200,cookie=0xd0,icmp,nw_dst=10.79.0.3 actions=drop
table=60,priority=200,udp,tp_dst=7777 actions=load:0x5->NXM_NX_REG3[],goto_table:61
table=60,priority=0 actions=goto_table:65
table=61,priority=200,cookie=0xd1,reg3=0x5 actions=drop
table=65,priority=100,ip,nw_dst=10.79.0.0/24 actions=ct(commit,table=70,zone=65520)
table=65,priority=100,ipv6,ipv6_dst=fd79::/64 actions=ct(commit,table=70,zone=65510)
table=70,priority=100,ip,nw_dst=10.79.0.1 actions=mod_dl_dst:0a:00:00:00:00:01,output:1
table=70,priority=100,ip,nw_dst=10.79.0.2 actions=mod_dl_dst:0a:00:00:00:00:02,output:2
table=70,priority=100,ip,nw_dst=10.79.0.3 actions=mod_dl_dst:0a:00:00:00:00:03,output:3
table=70,priority=90,ipv6 actions=NORMAL
"""


class DeniedPods(BridgePods):
    def __init__(self, testbed):
        super().__init__(testbed, 79, 3, RULES)
