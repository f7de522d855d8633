#include "ovs-plugin/denied/verdict.h"

#include <gtest/gtest.h>

#include "tests/ovs-plugin/denied/recorded_traces.h"

namespace ofe::denied {
namespace {

Verdict verdict_of(const std::string& name) {
  const std::map<std::string, std::string> traces = recorded_traces();
  const auto found = traces.find(name);
  Trace trace;
  EXPECT_TRUE(found != traces.end() && parse_trace(found->second, trace)) << name;
  return classify(trace);
}

struct Case {
  const char* trace;
  DropKind kind;
  int table;
};

// Recorded from Open vSwitch 3.1, with NetFlow on the bridge as well: it makes every megaflow look at addresses and
// ports, which must not look like a comparison.
constexpr Case cases[] = {
    {"conjunction", DropKind::policy, 50},
    {"metric register", DropKind::policy, 61},
    {"egress default by address", DropKind::policy, 60},
    {"ingress default by register", DropKind::policy, 100},
    {"conjunction, NetFlow", DropKind::policy, 50},
    {"invalid state", DropKind::invalid_state, 31},
    {"spoofed address", DropKind::anti_spoofing, 10},
    {"spoofed MAC", DropKind::anti_spoofing, 10},
    {"spoofed ARP", DropKind::anti_spoofing, 10},
    {"spoofed address, NetFlow", DropKind::anti_spoofing, 10},
    {"no rule after the source was checked by its port", DropKind::table_miss, 70},
    {"no rule", DropKind::table_miss, 100},
    {"default by metadata", DropKind::table_miss, 101},
    {"default of table 0", DropKind::table_miss, 0},
    {"default of table 0, NetFlow", DropKind::table_miss, 0},
    {"a family by its port", DropKind::other, 0},
    {"a family by its port, NetFlow", DropKind::other, 0},
    {"a protocol by its port", DropKind::other, 0},
    {"actions that send nothing", DropKind::other, 0},
};

TEST(Classify, RecordedTraces) {
  for (const Case& c : cases) {
    const Verdict verdict = verdict_of(c.trace);
    EXPECT_STREQ(to_string(verdict.kind), to_string(c.kind)) << c.trace;
    EXPECT_EQ(verdict.table, c.table) << c.trace;
  }
}

TEST(Classify, TheRuleIsNamed) {
  const Verdict verdict = verdict_of("conjunction");
  EXPECT_EQ(verdict.cookie, 0x1040000000077u);
  EXPECT_EQ(verdict.priority, 200);
  EXPECT_EQ(verdict.match, "conj_id=7,ip");
}

TEST(Classify, WhatTheRulesDoNotDropAnyMoreIsUnclassified) {
  EXPECT_EQ(verdict_of("let through").kind, DropKind::unclassified);
  EXPECT_EQ(classify({}).kind, DropKind::unclassified);
}

Trace trace_of(std::vector<TracedRule> rules, std::string megaflow) {
  return {std::move(rules), std::move(megaflow), "drop"};
}

// Behind an entry that lets the right address through by its port.
TEST(Classify, ADropByPortAloneIsAntiSpoofingWhenTheAddressWasCompared) {
  const std::vector<TracedRule> rules = {{10, false, 100, 0, "ip,in_port=1", {"drop"}}};
  EXPECT_EQ(classify(trace_of(rules, "recirc_id=0,eth,ip,in_port=1,nw_src=10.79.0.64/26")).kind,
            DropKind::anti_spoofing);
  EXPECT_EQ(classify(trace_of(rules, "recirc_id=0,eth,ip,in_port=1")).kind, DropKind::other);
}

TEST(Classify, MulticastKeptOffIsNoPolicy) {
  const auto kind = [](const char* match) {
    return classify(trace_of({{0, false, 210, 0, match, {"drop"}}}, "recirc_id=0,eth,ip,in_port=1")).kind;
  };
  EXPECT_EQ(kind("ipv6,ipv6_dst=ff00::/8"), DropKind::other);
  EXPECT_EQ(kind("ip,nw_dst=224.0.0.0/4"), DropKind::other);
  EXPECT_EQ(kind("ip,nw_dst=255.255.255.255"), DropKind::other);
  EXPECT_EQ(kind("ip,nw_dst=10.0.0.0/8"), DropKind::policy);
  EXPECT_EQ(kind("ip,nw_src=10.10.0.1,nw_dst=224.0.0.0/4"), DropKind::policy);
}

// A rule that matched the source's MAC address found it right.
TEST(Classify, AMissAfterTheSourceWasFoundRightIsNoSpoofing) {
  const std::vector<TracedRule> rules = {
      {10, false, 200, 0, "ip,in_port=1,dl_src=0a:00:00:00:00:01", {"goto_table:30"}}, {30, true, 0, 0, "", {"drop"}}};
  EXPECT_EQ(classify(trace_of(rules, "in_port=1,dl_src=0a:00:00:00:00:01")).kind, DropKind::table_miss);
}

}  // namespace
}  // namespace ofe::denied
