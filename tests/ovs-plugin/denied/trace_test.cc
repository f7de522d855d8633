#include "ovs-plugin/denied/trace.h"

#include <gtest/gtest.h>

#include "tests/ovs-plugin/denied/recorded_traces.h"

namespace ofe::denied {
namespace {

TEST(FlowToTrace, LeavesOutWhatOpenVswitchDoesNotReadBack) {
  EXPECT_EQ(flow_to_trace("ufid:67853e8b-b498-4c47-9c72-02fe68086ad1, "
                          "skb_priority(0/0),ct_state(0x21/0x31),ct_tuple6(src=fd79::1/::,dst=fd79::2/::,proto=6/0,"
                          "src_port=53710/0,dst_port=9999/0),recirc_id(0x1),in_port(p1),key32(00 00/00 00),"
                          "eth(src=0a:00:00:00:00:01/00:00:00:00:00:00,dst=0a:00:00:00:00:02),eth_type(0x86dd),"
                          "ct_tuple4(src=1.2.3.4),ipv6(src=fd79::1/::,proto=6,frag=no),tcp(src=1/0,dst=9999)"),
            "skb_priority(0/0),ct_state(0x21/0x31),recirc_id(0x1),in_port(p1),"
            "eth(src=0a:00:00:00:00:01/00:00:00:00:00:00,dst=0a:00:00:00:00:02),eth_type(0x86dd),"
            "ipv6(src=fd79::1/::,proto=6,frag=no),tcp(src=1/0,dst=9999)");
  EXPECT_EQ(flow_to_trace(""), "");
  EXPECT_EQ(flow_to_trace("a),b(,(("), "a),b(,((");
}

TEST(ParseTrace, RulesInTheirOrderWithPriorityCookieAndActions) {
  Trace trace;
  ASSERT_TRUE(parse_trace(recorded_traces()["metric register"], trace));
  ASSERT_EQ(trace.rules.size(), 3u);
  EXPECT_EQ(trace.rules[0].table, 31);
  EXPECT_EQ(trace.rules[0].match, "");
  EXPECT_EQ(trace.rules[1].match, "udp,tp_dst=7");
  EXPECT_EQ(trace.rules[1].priority, 190);
  EXPECT_EQ(trace.rules[2].table, 61);
  EXPECT_EQ(trace.rules[2].match, "reg0=0x100000/0x100000,reg3=0x9");
  EXPECT_EQ(trace.rules[2].cookie, 0x1040000000009u);
  EXPECT_EQ(trace.rules[2].actions, std::vector<std::string>{"drop"});
  EXPECT_EQ(trace.megaflow, "recirc_id=0x1,ct_state=-inv+trk,eth,udp,in_port=1,nw_dst=10.79.0.2,nw_frag=no,tp_dst=7");
  EXPECT_EQ(trace.datapath_actions, "drop");
}

TEST(ParseTrace, ATableWithoutARule) {
  Trace trace;
  ASSERT_TRUE(parse_trace(recorded_traces()["no rule"], trace));
  EXPECT_TRUE(trace.rules.back().missed);
  EXPECT_EQ(trace.rules.back().table, 100);
}

// What ovs-vswitchd supposes of the packet after ct() is no answer to what became of this one.
TEST(ParseTrace, EndsWhereTheFlowRecirculates) {
  Trace trace;
  ASSERT_TRUE(parse_trace(recorded_traces()["let through"], trace));
  EXPECT_EQ(trace.rules.back().table, 30);
  EXPECT_EQ(trace.datapath_actions, "ct(zone=65520,nat),recirc(0x1)");
}

TEST(ParseTrace, WhatIsNoTraceIsRefused) {
  Trace trace;
  for (const char* text : {"", "\n\n", "Flow: udp\n", "60. tcp, priority 200\n    drop\n", "999999. x, priority 1"}) {
    EXPECT_FALSE(parse_trace(text, trace)) << text;
  }
  std::string endless;
  for (int i = 0; i < 5'000; ++i) endless += "10. priority 0\n";
  EXPECT_FALSE(parse_trace(endless + "Datapath actions: drop\n", trace));
}

TEST(ParseTrace, EveryRecordedTraceCutAnywhereIsAnAnswerOrRefused) {
  for (const auto& [name, text] : recorded_traces()) {
    for (std::size_t length = 0; length < text.size(); length += 7) {
      Trace trace;
      if (parse_trace(std::string_view(text).substr(0, length), trace)) {
        EXPECT_LE(trace.rules.size(), 10u) << name;
      }
    }
  }
}

}  // namespace
}  // namespace ofe::denied
