#include "ovs-plugin/datapath/megaflow_actions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ofe::datapath {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Megaflow read(std::string_view actions) {
  Megaflow flow;
  DpctlText in(actions);
  read_actions(in, flow);
  EXPECT_TRUE(in.ok()) << actions << "\n" << in.error();
  EXPECT_TRUE(in.at_end()) << actions;
  return flow;
}

std::string problem_of(std::string_view actions) {
  Megaflow flow;
  DpctlText in(actions);
  read_actions(in, flow);
  EXPECT_FALSE(in.ok()) << actions;
  return in.error();
}

TEST(MegaflowActions, Outputs) {
  EXPECT_THAT(read("v1").outputs, ElementsAre("v1"));
  EXPECT_THAT(read("2,veth-a.b@c,10").outputs, ElementsAre("2", "veth-a.b@c", "10"));
  EXPECT_THAT(read("set(eth(dst=0a:00:00:00:00:02)),v2").outputs, ElementsAre("v2"));
  EXPECT_THAT(read("push_vlan(vid=10,pcp=0),3,pop_vlan,4").outputs, ElementsAre("3", "4"));
  EXPECT_THAT(
      read("pop_eth,push_mpls(label=1,tc=0,ttl=64,bos=1,eth_type=0x8847),trunc(100),meter(3),hash(l4(0)),1").outputs,
      ElementsAre("1"));
  EXPECT_THAT(read("ct_clear,action25,action26(010203),actionable").outputs, ElementsAre("actionable"));
  EXPECT_THAT(read("userspace(pid=4294967295,slow_path(action,bfd))").outputs, IsEmpty());
  EXPECT_THAT(read("userspace(pid=0,controller(reason=1,dont_send=0,continuation=0,recirc_id=3,rule_cookie=0,"
                   "controller_id=0,max_len=65535))")
                  .recircs,
              IsEmpty());
}

TEST(MegaflowActions, ATunnelIsLeftByItsPort) {
  const Megaflow pushed = read(
      "set(tunnel(tun_id=0x7b,dst=172.31.1.1,ttl=64,flags(df|key))),vxlan_sys_4789,"
      "clone(tnl_push(tnl_port(genev_sys_6081),header(size=50,type=5,eth(dst=f8:bc:12:44:34:b6,src=f8:bc:12:46:58:e0,"
      "dl_type=0x0800),ipv4(src=1.1.2.88,dst=1.1.2.92,proto=17,tos=0,ttl=64,frag=0x4000),udp(src=0,dst=6081,csum=0x0),"
      "geneve(oam,vni=0x7b)),out_port(br-phy)),p0)");
  EXPECT_THAT(pushed.outputs, ElementsAre("vxlan_sys_4789", "genev_sys_6081", "p0"));
  EXPECT_THAT(read("tnl_pop(vxlan_sys_4789)").outputs, IsEmpty());
}

TEST(MegaflowActions, Drop) {
  EXPECT_TRUE(read("drop").drop);
  EXPECT_TRUE(read("set(eth(dst=0a:00:00:00:00:02)),drop").drop);
  EXPECT_FALSE(read("v1,drop").drop);
  EXPECT_FALSE(read("check_pkt_len(size=200,gt(drop),le(3))").drop);
  EXPECT_THAT(read("drop").outputs, IsEmpty());
}

TEST(MegaflowActions, ConntrackWithZoneCommitAndNat) {
  const Megaflow flow = read(
      "ct(zone=65521,nat),ct(commit,zone=65520,mark=0x10/0xffffffff,label=0x900000007/0xffffffffffffffff,helper=ftp,"
      "timeout=ovs_tp_0,nat(dst=[fd00::2]:80-90,persistent,random)),ct,ct(force_commit),recirc(0x10)");
  ASSERT_EQ(flow.ct.size(), 4u);
  EXPECT_EQ(flow.ct[0].zone, 65521);
  EXPECT_FALSE(flow.ct[0].commit);
  EXPECT_TRUE(flow.ct[0].nat);
  EXPECT_EQ(flow.ct[1].zone, 65520);
  EXPECT_TRUE(flow.ct[1].commit);
  EXPECT_TRUE(flow.ct[1].nat);
  EXPECT_EQ(flow.ct[2].zone, 0);
  EXPECT_FALSE(flow.ct[2].commit);
  EXPECT_TRUE(flow.ct[3].commit);
  EXPECT_FALSE(flow.ct[3].nat);
  EXPECT_THAT(flow.recircs, ElementsAre(0x10u));
}

TEST(MegaflowActions, LooksInsideNestedLists) {
  const Megaflow flow = read(
      "clone(ct(zone=1),recirc(0x1)),sample(sample=50.0%,actions(userspace(pid=1,sFlow(vid=0,pcp=0,output=2)),7)),"
      "check_pkt_len(size=1500,gt(ct(zone=2),recirc(0x2)),le(clone(drop),recirc(0x3))),sample(sample=100.0%,actions(8)"
      ")");
  EXPECT_THAT(flow.recircs, ElementsAre(1u, 2u, 3u));
  ASSERT_EQ(flow.ct.size(), 2u);
  EXPECT_EQ(flow.ct[1].zone, 2);
  EXPECT_THAT(flow.outputs, ElementsAre("7", "8"));
  EXPECT_FALSE(flow.drop);
}

TEST(MegaflowActions, EndsBeforeTheNextAttribute) {
  Megaflow flow;
  DpctlText in("v1,2, dp-extra-info:x");
  read_actions(in, flow);
  EXPECT_THAT(flow.outputs, ElementsAre("v1", "2"));
  EXPECT_EQ(in.peek(), ',');
  EXPECT_EQ(in.peek(1), ' ');
}

TEST(MegaflowActions, Errors) {
  EXPECT_EQ(problem_of(""), "column 1: expected an action, found the end of the line");
  EXPECT_EQ(problem_of("v1,,v2"), "column 4: expected an action, found \",v2\"");
  EXPECT_EQ(problem_of("ct(zone=70000)"), "column 9: expected a number up to 65535, found \"70000)\"");
  EXPECT_EQ(problem_of("ct(zone=1"), "column 10: expected ',' or ')', found the end of the line");
  EXPECT_EQ(problem_of("recirc()"), "column 8: expected a number of 32 bits, found \")\"");
  EXPECT_EQ(problem_of("set(eth(dst=1)"), "column 4: expected a ')' for this '(', found \"(eth(dst=1)\"");
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "clone(";
  EXPECT_EQ(problem_of(deep).substr(0, 63), "column 55: expected at most 8 levels of nested actions, found \"");
}

}  // namespace
}  // namespace ofe::datapath
