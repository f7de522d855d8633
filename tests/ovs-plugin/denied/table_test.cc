#include "ovs-plugin/denied/table.h"

#include <gtest/gtest.h>

#include "tests/ovs-plugin/denied/drop_megaflow.h"

namespace ofe::denied {
namespace {

constexpr std::uint64_t frame = 62, packet = 48;  // 20 octets over UDP, IPv4 and Ethernet

class TableTest : public ::testing::Test {
 protected:
  flowstore::Now now{1'000'000, 1'700'000'000'000};
  Table table{{.max_megaflows = 4, .max_drops = 3, .ask_again_ms = 60'000}};
  Verdict policy{DropKind::policy, 60, false, 200, 0xd0, "udp,tp_dst=9999"};

  TableTest() { dump({}); }  // the first one is a baseline

  void dump(const std::vector<DropMegaflow>& flows) {
    now.monotonic_ms += 5'000;
    now.wall_ms += 5'000;
    table.begin_dump();
    for (const DropMegaflow& one : flows) table.add(one.flow, now);
    table.end_dump();
  }
  void answer_all(const Verdict& verdict) {
    while (const auto question = table.next_question()) table.answer(question->ufid, verdict, now);
  }
  std::vector<Drop> drops() const {
    std::vector<Drop> all;
    table.each([&](const Drop& drop) { all.push_back(drop); });
    return all;
  }
};

TEST_F(TableTest, GrowthBetweenDumpsIsCountedInOctetsOfIpPackets) {
  dump({{1, probe_keys, 2, 2 * frame}});
  answer_all(policy);
  dump({{1, probe_keys, 5, 5 * frame}});
  ASSERT_EQ(drops().size(), 1u);
  EXPECT_EQ(drops()[0].packets, 5u);
  EXPECT_EQ(drops()[0].octets, 5 * packet);
  EXPECT_EQ(drops()[0].verdict, policy);
  EXPECT_EQ(drops()[0].last_wall_ms, now.wall_ms - 500);
  EXPECT_EQ(drops()[0].first_wall_ms, now.wall_ms - 5'500);
}

// Its only packet was handled by upcall, which Open vSwitch does not count.
TEST_F(TableTest, ASinglePacketIsADropOfAtLeastNothing) {
  dump({{1, probe_keys, 0, 0}});
  ASSERT_EQ(drops().size(), 1u);
  EXPECT_EQ(drops()[0].packets, 0u);
  EXPECT_EQ(drops()[0].first_wall_ms, now.wall_ms);
  EXPECT_FALSE(drops()[0].asked);
}

TEST_F(TableTest, CountersThatGoBackAreANewBeginning) {
  dump({{1, probe_keys, 10, 10 * frame}});
  dump({{1, probe_keys, 3, 3 * frame}});
  EXPECT_EQ(drops()[0].packets, 13u);
  EXPECT_EQ(table.stats().counter_restarts, 1u);
}

TEST_F(TableTest, WhatStoodInTheFirstDumpIsABaseline) {
  Table fresh;
  const DropMegaflow before(1, probe_keys, 100, 100 * frame), after(1, probe_keys, 101, 101 * frame);
  fresh.begin_dump();
  fresh.add(before.flow, now);
  fresh.end_dump();
  fresh.begin_dump();
  fresh.add(after.flow, now);
  fresh.end_dump();
  std::uint64_t packets = 0;
  fresh.each([&](const Drop& drop) { packets += drop.packets; });
  EXPECT_EQ(packets, 1u);
}

TEST_F(TableTest, AMegaflowThatOneDumpMissedCountsOnce) {
  dump({{1, probe_keys, 10, 10 * frame}});
  dump({});
  dump({{1, probe_keys, 11, 11 * frame}});
  EXPECT_EQ(drops()[0].packets, 11u);
  answer_all(policy);
  dump({});
  dump({});
  EXPECT_EQ(table.megaflows(), 0u);
  EXPECT_EQ(drops()[0].packets, 11u);
}

TEST_F(TableTest, ABrokenDumpEndsNothing) {
  dump({{1, probe_keys, 10, 10 * frame}});
  table.begin_dump();
  dump({{1, probe_keys, 12, 12 * frame}});
  EXPECT_EQ(drops()[0].packets, 12u);
}

TEST_F(TableTest, MegaflowsThatPinTheSameAreOneDrop) {
  dump({{1, probe_keys, 2, 2 * frame}, {2, probe_keys, 3, 3 * frame}});
  answer_all(policy);
  ASSERT_EQ(drops().size(), 1u);
  EXPECT_EQ(drops()[0].packets, 5u);
  EXPECT_EQ(drops()[0].megaflows, 2u);
}

TEST_F(TableTest, ButNotWhenDifferentRulesDropThem) {
  dump({{1, probe_keys, 2, 2 * frame}, {2, probe_keys, 3, 3 * frame}});
  const auto first = table.next_question(), second = table.next_question();
  ASSERT_TRUE(first && second);
  table.answer(first->ufid, policy, now);
  table.answer(second->ufid, {DropKind::invalid_state, 31, false, 200, 0, "ct_state=+inv+trk"}, now);
  ASSERT_EQ(drops().size(), 2u);
  EXPECT_EQ(drops()[0].packets + drops()[1].packets, 5u);
  for (const Drop& drop : drops()) EXPECT_EQ(drop.packets, drop.verdict == policy ? 2u : 3u);
}

TEST_F(TableTest, TheQuestionIsTheFlowWithoutItsUfid) {
  dump({{1, probe_keys, 0, 0}});
  const auto question = table.next_question();
  ASSERT_TRUE(question);
  EXPECT_EQ(question->flow, probe_keys);
  EXPECT_FALSE(table.next_question());
}

// In a burst they are more than can be asked for while they last.
TEST_F(TableTest, AMegaflowThatWentIsStillAskedForAWhile) {
  dump({{1, probe_keys, 2, 2 * frame}});
  dump({});
  dump({});
  answer_all(policy);
  EXPECT_EQ(drops()[0].verdict, policy);
  dump({{2, exact_keys, 1, frame}});
  for (int i = 0; i < 12; ++i) dump({});
  EXPECT_EQ(table.megaflows(), 0u);
  EXPECT_EQ(table.stats().gone_unasked, 1u);
}

TEST_F(TableTest, UnansweredItStaysUnclassified) {
  dump({{1, probe_keys, 0, 0}});
  answer_all({});
  ASSERT_EQ(drops().size(), 1u);
  EXPECT_EQ(drops()[0].verdict.kind, DropKind::unclassified);
  EXPECT_TRUE(drops()[0].asked);
}

// What was dropped until then the former rule dropped.
TEST_F(TableTest, ARuleIsAskedForAgainWhileTheMegaflowGrows) {
  dump({{1, probe_keys, 2, 2 * frame}});
  answer_all(policy);
  now.monotonic_ms += 60'000;
  dump({{1, probe_keys, 3, 3 * frame}});
  const Verdict miss{DropKind::table_miss, 65, true, 0, 0, ""};
  answer_all(miss);
  dump({{1, probe_keys, 7, 7 * frame}});
  ASSERT_EQ(drops().size(), 2u);
  for (const Drop& drop : drops()) EXPECT_EQ(drop.packets, drop.verdict == miss ? 4u : 3u);
}

TEST_F(TableTest, NetflowTakesThePlaceOfWhatTheMegaflowCounted) {
  dump({{1, exact_keys, 2, 2 * frame}, {2, probe_keys, 2, 2 * frame}});
  answer_all(policy);
  const auto three = [](const flowstore::Tuple& tuple) -> std::optional<Table::Counted> {
    EXPECT_EQ(tuple.source_port, 41810);
    return Table::Counted{3, 3 * packet};
  };
  table.take_netflow(three, now);
  dump({{1, exact_keys, 4, 4 * frame}, {2, probe_keys, 2, 2 * frame}});
  table.take_netflow([](const flowstore::Tuple&) { return Table::Counted{2, 2 * packet}; }, now);
  for (const Drop& drop : drops()) {
    EXPECT_EQ(drop.exact, is_exact(drop.key));
    EXPECT_EQ(drop.packets, drop.exact ? 5u : 2u);
    EXPECT_EQ(drop.octets, drop.packets * packet);
  }
}

TEST_F(TableTest, NetflowThatBeganLaterIsNotExact) {
  dump({{1, exact_keys, 20, 20 * frame}});
  answer_all(policy);
  table.take_netflow([](const flowstore::Tuple&) { return Table::Counted{3, 3 * packet}; }, now);
  EXPECT_FALSE(drops()[0].exact);
  EXPECT_EQ(drops()[0].packets, 20u);
}

TEST_F(TableTest, LimitsHaveCounters) {
  std::vector<DropMegaflow> flows;
  for (int i = 1; i <= 6; ++i) {
    flows.push_back({i, "in_port(p" + std::to_string(i) + "),eth_type(0x0800),ipv4(proto=17)", 1, frame});
  }
  dump(flows);
  EXPECT_EQ(table.megaflows(), 4u);
  EXPECT_EQ(table.stats().refused_megaflows, 2u);
  EXPECT_EQ(table.size(), 3u);
  EXPECT_EQ(table.stats().refused_drops, 1u);
}

TEST_F(TableTest, LeavesOnlyWithoutMegaflows) {
  dump({{1, probe_keys, 2, 2 * frame}});
  EXPECT_FALSE(table.visit_some(10, [](Drop&) { return true; }));
  EXPECT_EQ(table.size(), 1u);
  answer_all(policy);
  dump({});
  dump({});
  EXPECT_FALSE(table.visit_some(10, [](Drop&) { return true; }));
  EXPECT_EQ(table.size(), 0u);
  dump({{3, probe_keys, 1, frame}});  // its place is used again
  EXPECT_EQ(drops()[0].packets, 1u);
}

TEST_F(TableTest, IsWalkedOverInParts) {
  dump({{1, probe_keys, 1, frame}, {2, exact_keys, 1, frame}, {3, "in_port(p3),eth_type(0x0800)", 1, frame}});
  std::size_t seen = 0;
  const auto count = [&](const Drop&) { ++seen; };
  const std::size_t next = table.each_from(0, 2, count);
  EXPECT_EQ(seen, 2u);
  EXPECT_EQ(table.each_from(next, 2, count), 0u);
  EXPECT_EQ(seen, 3u);
}

TEST_F(TableTest, MegaflowsThatSendSomethingAreNotFollowed) {
  std::string text = DropMegaflow(1, probe_keys, 1, frame).text;
  text.replace(text.find("actions:drop"), 12, "actions:p2");
  datapath::Megaflow flow;
  std::string error;
  ASSERT_TRUE(datapath::parse_megaflow(text, flow, error));
  table.begin_dump();
  table.add(flow, now);
  table.end_dump();
  EXPECT_EQ(table.size(), 0u);
}

}  // namespace
}  // namespace ofe::denied
