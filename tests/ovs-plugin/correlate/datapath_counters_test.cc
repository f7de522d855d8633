#include "ovs-plugin/correlate/datapath_counters.h"

#include <gtest/gtest.h>

#include "flowstore/address.h"

namespace ofe::correlate {
namespace {

using flowstore::Now;
using flowstore::Statistics;
using flowstore::Tuple;

Tuple tuple(const char* source, std::uint16_t source_port, const char* destination, std::uint16_t destination_port,
            std::uint8_t protocol = 6) {
  return {*flowstore::parse_address(source), *flowstore::parse_address(destination), source_port, destination_port,
          protocol};
}

const Tuple client = tuple("10.0.0.1", 1000, "10.96.0.10", 80);
const Tuple server = tuple("10.0.0.2", 8080, "10.0.0.1", 1000);

flowstore::Observation connection(const Tuple& original = client, const Tuple& reply = server) {
  flowstore::Observation seen;
  seen.original = original;
  seen.reply = reply;
  seen.zone = 65520;
  return seen;
}

constexpr std::uint16_t zone = 65520;

// A megaflow that pins the tuple and leads to the zone.
datapath::Megaflow pinned(std::uint8_t ufid, const Tuple& of, std::uint64_t packets, std::uint64_t octets,
                          std::int64_t used_ms_ago = 100) {
  datapath::Megaflow flow;
  flow.has_ufid = true;
  flow.ufid[15] = ufid;
  flow.eth_type = flowstore::is_ipv4(of.source) ? 0x0800 : 0x86dd;
  flow.source.value = of.source;
  flow.destination.value = of.destination;
  flow.source.mask.fill(0xff);
  flow.destination.mask.fill(0xff);
  flow.protocol = {of.protocol, 0xff};
  flow.source_port = {of.source_port, 0xffff};
  flow.destination_port = {of.destination_port, 0xffff};
  flow.packets = packets;
  flow.octets_l2 = octets + 14 * packets;
  flow.ct = {{zone, false, true}};
  flow.used_ms_ago = used_ms_ago;
  return flow;
}

class DatapathCountersTest : public testing::Test {
 protected:
  void settle(std::size_t budget = SIZE_MAX) {
    while (counters_.settle(std::span(&zone, 1), now_, budget)) continue;
  }
  void dump(std::initializer_list<datapath::Megaflow> flows) {
    counters_.begin_dump(now_);
    for (const auto& flow : flows) counters_.add_flow(flow);
    settle();
  }
  flowstore::Observation applied(flowstore::Observation seen = connection()) {
    counters_.apply(seen, now_);
    return seen;
  }
  Now now_{1'000, 1'700'000'000'000};
  DatapathCounters counters_{100, 60'000};
};

TEST_F(DatapathCountersTest, WhatNothingCountedHasNoStatistics) {
  EXPECT_EQ(applied().statistics, Statistics::none);
}

TEST_F(DatapathCountersTest, EachDirectionComesFromItsOwnTuple) {
  dump({pinned(1, client, 10, 1'000), pinned(2, server, 7, 700)});
  const auto seen = applied();
  EXPECT_EQ(seen.statistics, Statistics::exact);
  EXPECT_EQ(seen.counters, (flowstore::Counters{10, 1'000, 7, 700}));
}

TEST_F(DatapathCountersTest, TwoEntriesOfOneTupleCountDisjointPackets) {
  dump({pinned(1, client, 10, 1'000), pinned(2, client, 5, 500)});
  EXPECT_EQ(applied().counters.packets, 15u);
}

TEST_F(DatapathCountersTest, AnEntryThatExpiredAndCameBackGoesOnFromWhereItWas) {
  dump({pinned(1, client, 10, 1'000)});
  dump({});
  dump({pinned(1, client, 3, 300)});
  EXPECT_EQ(applied().counters.packets, 13u);
}

// ovs-vswitchd's table was shrinking meanwhile.
TEST_F(DatapathCountersTest, AnEntryThatOneDumpMissedCountsOnce) {
  dump({pinned(1, client, 10, 1'000, 4'000)});
  for (const std::uint64_t packets : {11u, 12u, 13u}) {
    now_.monotonic_ms += 1'000;
    dump({});
    now_.monotonic_ms += 1'000;
    dump({pinned(1, client, packets, 100 * packets, 1'000)});
  }
  EXPECT_EQ(applied().counters.packets, 13u);
  EXPECT_EQ(applied().counters.octets, 1'300u);
  EXPECT_EQ(applied().statistics, Statistics::estimated) << "it could have been removed, after packets nobody saw";
  EXPECT_EQ(counters_.stats().join.counter_restarts, 0u);
}

TEST_F(DatapathCountersTest, AnEntryThatADumpHasTwiceCountsOnce) {
  dump({pinned(1, client, 10, 1'000)});
  now_.monotonic_ms += 9'500;
  dump({pinned(1, client, 40, 4'000), pinned(1, client, 40, 4'000)});
  EXPECT_EQ(applied().counters.packets, 40u);
  EXPECT_EQ(applied().relative_error_percent, 25) << "a predecessor's 10 of 40 packets at most";
}

// Its counters are no lower than its predecessor's, but that one was idle for as long as it takes to be removed.
TEST_F(DatapathCountersTest, WhatIdledOutAndCameBackAfterADumpCountsAll) {
  dump({pinned(1, client, 10, 1'000, 9'500)});
  now_.monotonic_ms += 1'000;
  dump({});
  now_.monotonic_ms += 1'000;
  dump({pinned(1, client, 12, 1'200)});
  EXPECT_EQ(applied().counters.packets, 22u);
  EXPECT_EQ(applied().statistics, Statistics::exact);
}

TEST_F(DatapathCountersTest, CountersThatGoBackBetweenTwoDumpsAreANewEntry) {
  dump({pinned(1, client, 10, 1'000)});
  dump({pinned(1, client, 4, 400)});
  EXPECT_EQ(applied().counters.octets, 1'400u);
  EXPECT_EQ(counters_.stats().join.counter_restarts, 1u);
}

TEST_F(DatapathCountersTest, NetflowIsTheAuthorityForIpv4TcpWhileActive) {
  counters_.set_netflow_active(true);
  counters_.add_netflow({client, 11, 1'100}, now_);
  dump({pinned(1, client, 10, 1'000)});
  EXPECT_EQ(applied().counters.packets, 11u);
}

TEST_F(DatapathCountersTest, NetflowRecordsAreIncrements) {
  counters_.set_netflow_active(true);
  counters_.add_netflow({client, 11, 1'100}, now_);
  counters_.add_netflow({client, 4, 400}, now_);
  EXPECT_EQ(applied().counters.packets, 15u);
}

TEST_F(DatapathCountersTest, NetflowDoesNotCountIpv6OrIcmp) {
  counters_.set_netflow_active(true);
  const Tuple v6 = tuple("fd00::1", 1, "fd00::2", 2);
  const Tuple ping = tuple("10.0.0.1", 0, "10.0.0.2", 0x800, 1);
  counters_.add_netflow({v6, 3, 300}, now_);
  counters_.add_netflow({ping, 3, 300}, now_);
  EXPECT_EQ(counters_.stats().tuples, 0u);
  dump({pinned(1, v6, 9, 900)});
  EXPECT_EQ(applied(connection(v6, tuple("fd00::2", 2, "fd00::1", 1))).counters.packets, 9u);
}

TEST_F(DatapathCountersTest, WhatConntrackCountedIsLeftAlone) {
  dump({pinned(1, client, 10, 1'000)});
  auto seen = connection();
  seen.statistics = Statistics::exact;
  seen.counters = {1, 2, 3, 4};
  EXPECT_EQ(applied(seen).counters, (flowstore::Counters{1, 2, 3, 4}));
}

TEST_F(DatapathCountersTest, AForgottenConnectionStartsAtZero) {
  dump({pinned(1, client, 10, 1'000)});
  counters_.forget(client, server);
  EXPECT_EQ(applied().statistics, Statistics::none);
  dump({pinned(1, client, 12, 1'200)});
  EXPECT_EQ(applied().counters.packets, 2u);
}

TEST_F(DatapathCountersTest, TuplesNoConnectionAskedForExpire) {
  dump({pinned(1, client, 10, 1'000)});
  now_.monotonic_ms += 60'001;
  dump({});
  EXPECT_EQ(counters_.stats().tuples, 0u);
  EXPECT_EQ(counters_.stats().expired, 1u);
}

TEST_F(DatapathCountersTest, ClaimedTuplesStay) {
  dump({pinned(1, client, 10, 1'000)});
  now_.monotonic_ms += 50'000;
  applied();
  now_.monotonic_ms += 50'000;
  dump({});
  EXPECT_EQ(applied().counters.packets, 10u);
}

TEST_F(DatapathCountersTest, SettlesInSlices) {
  counters_.begin_dump(now_);
  const auto add = [this](std::uint8_t ufid) {
    Tuple of = client;
    of.source_port = ufid;
    counters_.add_flow(pinned(ufid, of, 1, 100));
  };
  for (std::uint8_t ufid = 0; ufid < 100; ++ufid) add(ufid);
  settle(10);
  EXPECT_EQ(counters_.stats().join.megaflows, 100u);
  EXPECT_EQ(counters_.stats().join.pinned, 100u);
  counters_.begin_dump(now_);
  add(7);
  for (int calls = 0; calls < 20; ++calls) EXPECT_TRUE(counters_.settle(std::span(&zone, 1), now_, 10));
  EXPECT_GT(counters_.stats().join.megaflows, 1u);
  counters_.begin_dump(now_);  // one that broke off is not settled: the next begins anew
  add(8);
  settle(10);
  counters_.begin_dump(now_);  // a dump can miss a megaflow: two without it say that it went
  add(8);
  settle(10);
  EXPECT_EQ(counters_.stats().join.megaflows, 1u);
  now_.monotonic_ms += 60'001;
  counters_.begin_dump(now_);
  settle(10);
  EXPECT_EQ(counters_.stats().tuples, 0u);
  EXPECT_EQ(counters_.stats().expired, 100u);
}

TEST_F(DatapathCountersTest, TheLimitRefusesAndCounts) {
  DatapathCounters small(1);
  small.begin_dump(now_);
  small.add_flow(pinned(1, client, 1, 100));
  small.add_flow(pinned(2, server, 1, 100));
  while (small.settle(std::span(&zone, 1), now_)) continue;
  EXPECT_EQ(small.stats().tuples, 1u);
  EXPECT_EQ(small.stats().refused_full, 1u);
}

TEST_F(DatapathCountersTest, AFlowThatLeadsToNoWatchedZoneCountsNobody) {
  datapath::Megaflow elsewhere = pinned(1, client, 10, 1'000);
  elsewhere.ct[0].zone = 7;
  dump({elsewhere});
  EXPECT_EQ(applied().statistics, Statistics::none);
  EXPECT_EQ(counters_.stats().tuples, 2u);  // the connection's own
}

TEST_F(DatapathCountersTest, ForwardingThreadsCountByThemselvesUnderTheSameUfid) {
  for (const std::uint64_t packets : {10u, 12u}) {
    counters_.begin_dump(now_);
    counters_.add_flow(pinned(1, client, packets, 100 * packets), 1);
    counters_.add_flow(pinned(1, client, 3, 300), 2);
    settle();
  }
  EXPECT_EQ(applied().counters.packets, 15u);
  EXPECT_EQ(counters_.stats().join.counter_restarts, 0u);
}

// max-idle is 10 s: what went 1 s after its last packet was removed, and what it counted in that second is lost.
TEST_F(DatapathCountersTest, APinnedFlowThatWentTooEarlyLeavesAMark) {
  dump({pinned(1, client, 10, 1'000)});
  now_.monotonic_ms += 1'000;
  dump({});
  const auto seen = applied();
  EXPECT_EQ(seen.statistics, Statistics::estimated);
  EXPECT_EQ(seen.relative_error_percent, 1'000'000) << "nobody knows how much is missing";
  EXPECT_EQ(counters_.stats().join.gone_early, 1u);
}

TEST_F(DatapathCountersTest, WhereNetflowCountsNothingIsMissingWhenAMegaflowGoes) {
  counters_.set_netflow_active(true);
  counters_.add_netflow({client, 11, 1'100}, now_);
  dump({pinned(1, client, 10, 1'000)});
  now_.monotonic_ms += 20'000;
  dump({pinned(1, client, 12, 1'200), pinned(2, client, 1, 100)});
  now_.monotonic_ms += 1'000;
  dump({});
  EXPECT_EQ(applied().statistics, Statistics::exact);
  EXPECT_EQ(counters_.stats().join.gone_early, 0u);
}

TEST_F(DatapathCountersTest, ALongTimeBetweenTwoDumpsMayHideAPredecessor) {
  dump({pinned(2, server, 1, 100)});
  now_.monotonic_ms += 10'000;
  dump({pinned(1, client, 10, 1'000)});
  EXPECT_EQ(applied().relative_error_percent, 1'000'000);
}

// After 9.8 s without a packet: the first one may have idled out, and another one with its ufid have begun at zero.
TEST_F(DatapathCountersTest, CountersNoLowerThanAPredecessorsMayBeAllNew) {
  dump({pinned(1, client, 10, 1'000, 9'200)});
  now_.monotonic_ms += 1'000;
  dump({pinned(1, client, 40, 4'000, 400)});
  EXPECT_EQ(applied().counters.packets, 40u);
  EXPECT_EQ(applied().statistics, Statistics::estimated);
  EXPECT_EQ(applied().relative_error_percent, 25) << "10 of 40 packets at most";
}

TEST_F(DatapathCountersTest, CountersThatGrowWithoutAPauseAreOneMegaflows) {
  dump({pinned(1, client, 10, 1'000)});
  for (const std::uint64_t packets : {20u, 30u, 30u}) {
    now_.monotonic_ms += 5'000;
    dump({pinned(1, client, packets, 100 * packets, packets == 20 ? 100 : 4'000)});
  }
  EXPECT_EQ(applied().counters.packets, 30u);
  EXPECT_EQ(applied().statistics, Statistics::exact);
}

TEST_F(DatapathCountersTest, APinnedFlowThatIdledOutHasToldEverything) {
  dump({pinned(1, client, 10, 1'000, 9'500)});
  now_.monotonic_ms += 1'000;
  dump({});
  EXPECT_EQ(applied().statistics, Statistics::exact);
}

TEST_F(DatapathCountersTest, AnIdleTimeBetweenTwoDumpsMayHideAnything) {
  dump({pinned(1, client, 10, 1'000, 9'500)});
  now_.monotonic_ms += 10'000;
  dump({});
  EXPECT_EQ(applied().statistics, Statistics::estimated);
}

class DroppedTest : public DatapathCountersTest {
 protected:
  DroppedTest() { counters_.set_netflow_active(true); }
  void netflow(std::uint64_t packets) { counters_.add_netflow({client, packets, packets * 48}, now_); }
  void polls(int count) {
    while (count-- > 0) counters_.poll_completed();
  }
};

TEST_F(DroppedTest, WhatNoConnectionAskedForInAWholePollWasDropped) {
  netflow(1);
  EXPECT_FALSE(counters_.take_dropped(client, now_));
  polls(1);
  EXPECT_FALSE(counters_.take_dropped(client, now_)) << "this poll may have been past the connection already";
  polls(1);
  const auto taken = counters_.take_dropped(client, now_);
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->packets, 1u);
  EXPECT_EQ(taken->octets, 48u);
}

TEST_F(DroppedTest, IsHandedOverOnce) {
  netflow(3);
  polls(2);
  EXPECT_EQ(counters_.take_dropped(client, now_)->packets, 3u);
  EXPECT_EQ(counters_.take_dropped(client, now_)->packets, 0u);
  netflow(2);
  EXPECT_EQ(counters_.take_dropped(client, now_)->packets, 2u);
  netflow(5);
  EXPECT_EQ(applied().counters.packets, 5u) << "a connection that begins after all has what came since";
  EXPECT_FALSE(counters_.take_dropped(client, now_));
}

TEST_F(DroppedTest, AConnectionsTupleIsNeverHandedOver) {
  netflow(3);
  applied();
  polls(5);
  EXPECT_FALSE(counters_.take_dropped(client, now_));
  EXPECT_EQ(applied().counters.packets, 3u);
}

TEST_F(DroppedTest, OnlyOfWhatNetflowCounts) {
  EXPECT_FALSE(counters_.take_dropped(client, now_));
  netflow(3);
  polls(2);
  counters_.set_netflow_active(false);
  EXPECT_FALSE(counters_.take_dropped(client, now_));
}

TEST_F(DroppedTest, ItsTupleDoesNotExpireUnclaimed) {
  netflow(3);
  polls(2);
  counters_.take_dropped(client, now_);
  now_.monotonic_ms += 60'001;
  dump({});
  EXPECT_EQ(counters_.stats().tuples, 0u);
  EXPECT_EQ(counters_.stats().expired, 0u);
}

}  // namespace
}  // namespace ofe::correlate
