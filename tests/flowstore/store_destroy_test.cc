// Ends by DESTROY events, and how they go together with dumps.
#include "store_fixture.h"

namespace flowstore {
namespace {

using StoreDestroyTest = StoreTest;

TEST_F(StoreDestroyTest, TheEventsCountersAndStopTimeAreTheLastWord) {
  Seen seen = Seen().with_id(1).started(after_store).tcp(TcpState::established).counting(3);
  seen.mark = 7;
  seen.labels[0] = 9;
  see(seen);
  destroy(Seen().with_id(1).started(after_store).stopped(after_store + 900).counting(8));
  ASSERT_TRUE(find(Seen())->ended);
  const Record last = export_one();
  EXPECT_EQ(last.delta, packets(8));
  EXPECT_EQ(last.flow.total, packets(8));
  EXPECT_EQ(last.flow.last_wall_ms, after_store + 900);
  EXPECT_EQ(last.reason, EndReason::end_of_flow);
  EXPECT_EQ(last.flow.mark, 7u) << "events carry no marks and labels";
  EXPECT_EQ(last.flow.labels, seen.labels);
  EXPECT_EQ(last.flow.tcp_state, TcpState::established);
}

TEST_F(StoreDestroyTest, WithoutCountersAndStopTimeWhatWasKnownStays) {
  see(Seen().started(after_store).counting(3));
  pass(500);
  destroy(Seen());
  const Record last = export_one();
  EXPECT_EQ(last.delta, packets(3));
  EXPECT_EQ(last.flow.statistics, Statistics::exact);
  EXPECT_EQ(last.flow.last_wall_ms, now.wall_ms);
}

TEST_F(StoreDestroyTest, AConnectionThatCameAndWentUnseenIsAWholeFlow) {
  const struct {
    const char* story;
    std::int64_t start_wall_ms;
    int complete_scans;
    bool birth_seen;
  } cases[] = {
      {"younger than the store", after_store, 0, true},
      {"older than the store", before_store, 0, false},
      {"no start time, before a complete scan", 0, 0, false},
      {"no start time, after a complete scan", 0, 1, true},
  };
  for (const auto& c : cases) {
    restart({});
    for (int i = 0; i < c.complete_scans; ++i) scan(1, {});
    destroy(Seen().with_id(1).started(c.start_wall_ms).stopped(after_store + 900).counting(8));
    EXPECT_EQ(store->stats().created, 1u) << c.story;
    EXPECT_EQ(store->stats().ended, 1u) << c.story;
    const Record only = export_one();
    EXPECT_EQ(only.flow.total, packets(8)) << c.story;
    EXPECT_EQ(only.delta, c.birth_seen ? packets(8) : Counters{}) << c.story;
    EXPECT_EQ(only.flow.start_wall_ms, c.start_wall_ms ? c.start_wall_ms : after_store + 900) << c.story;
    EXPECT_EQ(only.flow.last_wall_ms, after_store + 900) << c.story;
    EXPECT_EQ(store->stats().flows, 0u) << c.story;
  }
}

TEST_F(StoreDestroyTest, TheEndOfAnotherConnectionOnTheKeyLeavesTheLivingOne) {
  see(Seen().with_id(2).started(after_store + 100).counting(1));
  destroy(Seen().with_id(1).started(after_store).counting(8));
  EXPECT_FALSE(find(Seen())->ended);
  EXPECT_EQ(find(Seen())->id, 2u);
  const Record other = export_one();
  EXPECT_EQ(other.flow.id, 1u);
  EXPECT_EQ(other.delta, packets(8));
  EXPECT_EQ(see(Seen().with_id(2).started(after_store + 100).counting(4)), ObserveResult::updated);
  EXPECT_EQ(find(Seen())->pending, packets(4));
}

TEST_F(StoreDestroyTest, ManyShortConnectionsOnOneKeyAllComeOut) {
  for (std::uint32_t id = 1; id <= 50; ++id) destroy(Seen().with_id(id).started(after_store + id).counting(id));
  const auto records = export_due();
  ASSERT_EQ(records.size(), 50u);
  for (std::uint32_t i = 0; i < 50; ++i) EXPECT_EQ(records[i].delta, packets(i + 1));
}

TEST_F(StoreDestroyTest, ConnectionsOfOneMillisecondWithTheSameIdAllComeOut) {
  for (unsigned i = 0; i < 5; ++i) {
    Seen last = Seen().with_id(1).started(after_store).stopped(after_store).counting(3 + i % 2);
    last.start_ns = 1000 * (i + 1);
    destroy(last);
  }
  const auto records = export_due();
  ASSERT_EQ(records.size(), 5u);
  for (unsigned i = 0; i < 5; ++i) EXPECT_EQ(records[i].delta, packets(3 + i % 2));
}

TEST_F(StoreDestroyTest, AFlowThatWaitsStillTakesItsFinalCounters) {
  see(Seen().with_id(1).started(after_store).counting(3));
  for (int i = 0; i < 2; ++i) scan(1, {});
  ASSERT_TRUE(find(Seen())->ended);
  destroy(Seen().with_id(1).started(after_store).counting(5));
  EXPECT_EQ(export_one().delta, packets(5));
}

// --- several zones ---

TEST_F(StoreDestroyTest, AFlowEndsWhenTheLastOfItsZonesIsDestroyed) {
  for (const bool counting_zone_first : {true, false}) {
    restart({});
    see(Seen().in(1).with_id(1).started(after_store).counting(3));
    see(Seen().in(2).with_id(2).started(after_store).counting(30));
    const Seen in_counting_zone = Seen().in(1).with_id(1).started(after_store).counting(5);
    const Seen in_other_zone = Seen().in(2).with_id(2).started(after_store).counting(50);
    destroy(counting_zone_first ? in_counting_zone : in_other_zone);
    EXPECT_FALSE(find(Seen())->ended);
    destroy(counting_zone_first ? in_other_zone : in_counting_zone);
    EXPECT_TRUE(find(Seen())->ended);
    EXPECT_EQ(export_one().delta, packets(5));
    EXPECT_EQ(store->stats().created, 1u);
  }
}

TEST_F(StoreDestroyTest, AZoneTheFlowWasNotSeenInIsItsEntryToo) {
  see(Seen().in(1).counting(3));
  destroy(Seen().in(9).with_id(4).counting(30));
  EXPECT_FALSE(find(Seen())->ended);
  destroy(Seen().in(1));
  destroy(Seen().in(8).with_id(5).counting(30));
  EXPECT_EQ(export_due().size(), 1u);
}

TEST_F(StoreDestroyTest, AZoneThatScansFoundEmptyDoesNotHoldTheFlow) {
  see(Seen().in(1));
  see(Seen().in(2));
  for (int i = 0; i < 2; ++i) {
    store->begin_scan(2, now);
    store->end_scan(2, true, now);
  }
  destroy(Seen().in(1));
  EXPECT_TRUE(find(Seen())->ended);
}

// --- a dump that lags behind the events ---

TEST_F(StoreDestroyTest, ADumpsOlderPictureDoesNotBeginTheFlowAgain) {
  const Seen seen = Seen().with_id(1).started(after_store).counting(8);
  see(seen);
  store->begin_scan(1, now);
  destroy(seen);
  EXPECT_EQ(export_due().size(), 1u);
  EXPECT_EQ(see(seen), ObserveResult::stale);
  EXPECT_EQ(store->stats().stale_observations, 1u);
  EXPECT_EQ(store->stats().flows, 0u);
  store->end_scan(1, true, now);
  EXPECT_EQ(see(seen.started(after_store + 50)), ObserveResult::created) << "a later connection on the key";
}

TEST_F(StoreDestroyTest, ADumpsOlderPictureOfAFlowNeverSeenIsKnownToo) {
  const Seen seen = Seen().with_id(1).started(after_store).counting(8);
  store->begin_scan(1, now);
  destroy(seen);
  EXPECT_EQ(see(seen), ObserveResult::stale);
  EXPECT_EQ(export_due().size(), 1u);
  EXPECT_EQ(see(seen), ObserveResult::stale);
}

TEST_F(StoreDestroyTest, ADumpsOlderPictureDoesNotEndTheConnectionThatHasTheKeyNow) {
  const Seen old = Seen().with_id(1).started(after_store).counting(8);
  const Seen next = Seen().with_id(2).started(after_store + 100).counting(1);
  see(old);
  store->begin_scan(1, now);
  destroy(old);
  see(next);
  EXPECT_EQ(see(old), ObserveResult::stale);
  EXPECT_EQ(find(Seen())->id, 2u);
  EXPECT_FALSE(find(Seen())->ended);
}

TEST_F(StoreDestroyTest, ADumpsOlderPictureDoesNotReviveTheCountingZone) {
  const Seen seen = Seen().in(1).with_id(1).counting(8);
  see(seen);
  see(Seen().in(2).with_id(2));
  store->begin_scan(1, now);
  destroy(seen);
  EXPECT_EQ(see(seen), ObserveResult::stale);
  store->end_scan(1, true, now);
  destroy(Seen().in(2).with_id(2));
  EXPECT_TRUE(find(Seen())->ended);
}

TEST_F(StoreDestroyTest, AnEventThatComesAfterTheDumpShowedTheNextConnectionAddsOnlyTheRest) {
  const Seen old = Seen().with_id(1).started(after_store);
  see(old.counting(3));
  store->begin_scan(1, now);
  EXPECT_EQ(see(Seen().with_id(2).started(after_store + 100).counting(1)), ObserveResult::restarted);
  EXPECT_EQ(export_one().delta, packets(3));
  destroy(old.counting(8));
  const Record rest = export_one();
  EXPECT_EQ(rest.flow.id, 1u);
  EXPECT_EQ(rest.flow.total, packets(8));
  EXPECT_EQ(rest.delta, packets(5));
  destroy(old.counting(8));
  EXPECT_TRUE(export_due().empty()) << "nothing that was not counted";
  EXPECT_EQ(find(Seen())->id, 2u);
}

}  // namespace
}  // namespace flowstore
