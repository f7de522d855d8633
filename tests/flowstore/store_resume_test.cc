// From one process to the next: what was exported is not exported again, and what was not is not lost.
#include "store_fixture.h"

namespace flowstore {
namespace {

class StoreResumeTest : public StoreTest {
 protected:
  // A clean stop whose collector takes `records` of what is due, and the next process some time later.
  std::vector<Record> stop(std::size_t records = 1'000) {
    store->suspend(now);
    return export_due(records);
  }
  void start(Limits limits = {}, ExportTiming timing = {active_ms, 0}) {
    const std::unique_ptr<Store> before = std::move(store);
    pass(30'000);
    removed.clear();
    store = std::make_unique<Store>(limits, timing, now);
    store->on_removed([this](const Flow& flow) { removed.push_back(flow); });
    before->for_each_baseline([&](const Baseline& left) { return store->resume(left, now), true; });
    store->resume_births(before->births());
  }
  Seen born_before(std::uint64_t count) const { return Seen().with_id(1).started(after_store).counting(count); }
};

TEST_F(StoreResumeTest, AtTheStopEveryLivingFlowHasOneRecordAndStays) {
  see(born_before(4));
  see(Seen(2));
  destroy(Seen(2));
  store->suspend(now);
  EXPECT_EQ(due_in(), 0);
  const auto records = export_due();
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].reason, EndReason::end_of_flow) << "it had ended before";
  EXPECT_EQ(records[1].reason, EndReason::forced_end);
  EXPECT_EQ(records[1].delta, packets(4));
  EXPECT_EQ(store->next_deadline_ms(), std::nullopt);
  EXPECT_EQ(store->stats().flows, 1u);
}

TEST_F(StoreResumeTest, TheFirstDeltaIsWhatWasAddedSinceTheLastRecord) {
  scan(1, {born_before(10)});
  EXPECT_EQ(stop().front().delta, packets(10));
  start();
  EXPECT_EQ(see(born_before(25)), ObserveResult::updated);
  pass(active_ms);
  const Record next = export_one();
  EXPECT_EQ(next.delta, packets(15));
  EXPECT_EQ(next.flow.total, packets(25));
  EXPECT_EQ(next.flow.start_wall_ms, after_store);
  EXPECT_EQ(next.flow.exports, 1u);
  EXPECT_EQ(store->stats().created, 0u);
  EXPECT_EQ(store->stats().resumed, 1u);
}

TEST_F(StoreResumeTest, WhatTheCollectorDidNotTakeIsInTheNextRecord) {
  scan(1, {born_before(10)});
  stop(0);
  start();
  see(born_before(25));
  pass(active_ms);
  EXPECT_EQ(export_one().delta, packets(25));
}

TEST_F(StoreResumeTest, WithoutABaselineTheConnectionIsCountedFromItsFirstSight) {
  scan(1, {born_before(10)});
  stop();
  restart({});
  pass(30'000);
  see(Seen().with_id(1).started(before_store).counting(25));
  see(Seen().with_id(1).started(before_store).counting(27));
  EXPECT_EQ(find(Seen())->pending, packets(2));
}

TEST_F(StoreResumeTest, AConnectionThatEndedMeanwhileHasARecordOnlyOfWhatWasNotExported) {
  const Seen other = Seen(2).with_id(2).started(after_store).counting(7);
  scan(1, {born_before(10), other});
  const Counters exported = stop(1).front().delta;
  start();
  scan(1, {});
  EXPECT_EQ(store->stats().flows, 2u) << "one scan may have passed over it";
  scan(1, {});
  EXPECT_EQ(store->stats().resumed_gone, 1u);
  EXPECT_EQ(removed.size(), 1u);
  const Record last = export_one();
  EXPECT_EQ(last.reason, EndReason::end_of_flow);
  EXPECT_EQ(last.delta.packets + exported.packets, 17u);
  EXPECT_EQ(store->stats().flows, 0u);
}

TEST_F(StoreResumeTest, AnEndThatNobodyWasToldOfIsARecordEvenWhenNothingIsLeftToCount) {
  scan(1, {born_before(10)});
  pass(active_ms);
  EXPECT_EQ(export_one().reason, EndReason::active_timeout);
  stop(0);
  start();
  stop(0);
  start();
  scan(1, {});
  scan(1, {});
  const Record last = export_one();
  EXPECT_EQ(last.reason, EndReason::end_of_flow);
  EXPECT_EQ(last.delta, Counters{});
}

TEST_F(StoreResumeTest, AnEndedFlowThatWaitedKeepsItsReasonItsNamesAndItsOrder) {
  see(Seen(1).with_id(1).started(after_store).counting(3));
  see(Seen(2).with_id(2).started(after_store).counting(5));
  store->set_names(Seen(2).original, Seen(2).reply, 9);
  destroy(Seen(2).with_id(2).stopped(after_store + 1));
  store->forget_zone(1, now);
  sweep();
  stop(0);
  start();
  const auto records = export_due();
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].reason, EndReason::end_of_flow);
  EXPECT_EQ(records[0].flow.names, 9u);
  EXPECT_EQ(records[0].flow.last_wall_ms, after_store + 1);
  EXPECT_EQ(records[0].delta, packets(5));
  EXPECT_EQ(records[1].reason, EndReason::forced_end);
}

TEST_F(StoreResumeTest, ATakenOverKeyIsNotContinued) {
  scan(1, {born_before(10)});
  stop(0);
  const std::int64_t while_away = now.wall_ms + 1;
  start();
  EXPECT_EQ(see(Seen().with_id(2).started(while_away).counting(4)), ObserveResult::restarted);
  const Record old = export_one();
  EXPECT_EQ(old.delta, packets(10));
  EXPECT_EQ(old.reason, EndReason::end_of_flow);
  EXPECT_EQ(find(Seen())->pending, packets(4)) << "born while we were away, so never counted";
}

TEST_F(StoreResumeTest, OfATakenOverKeyThatWasExportedThereIsNoFurtherRecord) {
  scan(1, {born_before(10)});
  stop();
  start();
  see(Seen().with_id(2).started(now.wall_ms).counting(4));
  EXPECT_TRUE(export_due().empty());
  EXPECT_EQ(store->stats().resumed_gone, 1u);
  EXPECT_EQ(store->stats().flows, 1u);
}

TEST_F(StoreResumeTest, OnlyAnIdentifierTellsThatAnEntryIsTheConnection) {
  scan(1, {born_before(10)});
  stop();
  start();
  EXPECT_EQ(see(Seen().counting(25)), ObserveResult::restarted) << "no id, no start time";
  EXPECT_EQ(find(Seen())->pending, Counters{});
}

TEST_F(StoreResumeTest, WhatBeganBeforeTheStopAndWasNeverSeenCountsInWhole) {
  scan(1, {});
  const std::int64_t after_last_poll = now.wall_ms + 10;
  pass(1'000);
  stop();
  start();
  see(Seen(3).with_id(3).started(after_last_poll).counting(6));
  EXPECT_EQ(find(Seen(3))->pending, packets(6));
  see(Seen(4).with_id(4).started(before_store).counting(6));
  EXPECT_EQ(find(Seen(4))->pending, Counters{}) << "older than the first process, which did not see its birth";
}

TEST_F(StoreResumeTest, TheConnectionOfARefusedBaselineIsNotCountedAgain) {
  const Seen first = born_before(10), second = Seen(2).with_id(2).started(after_store).counting(10);
  scan(1, {first, second});
  stop();
  start({.max_flows = 1});
  ASSERT_EQ(store->stats().resume_refused, 1u);
  scan(1, {});
  scan(1, {});
  ASSERT_EQ(store->stats().flows, 0u);
  for (const Seen& again : {first, second}) {
    see(again.counting(30));
    EXPECT_EQ(find(again)->pending, Counters{});
    store->forget_zone(1, now);
    sweep();
    export_due();
  }
}

TEST_F(StoreResumeTest, AResumedFlowIsDueOnlyWhenItWasSeenAgainAndInItsOldPhase) {
  const std::int64_t first_seen_ms = now.monotonic_ms;
  scan(1, {born_before(10)});
  pass(17'000);
  stop();
  start();
  EXPECT_EQ(store->next_deadline_ms(), std::nullopt);
  store->make_all_due(now);
  store->set_timing({active_ms / 2, 0}, now);
  sweep();
  EXPECT_EQ(store->next_deadline_ms(), std::nullopt);
  see(born_before(11));
  EXPECT_EQ(store->next_deadline_ms(), first_seen_ms + active_ms);
  EXPECT_EQ(find(Seen())->first_monotonic_ms, first_seen_ms);
}

TEST_F(StoreResumeTest, ASecondRestartBeforeTheFirstSightLosesNothing) {
  const Seen other = Seen(2).with_id(2).started(after_store).counting(7);
  scan(1, {born_before(10), other});
  EXPECT_EQ(stop(1).size(), 1u);
  start();
  EXPECT_TRUE(stop().empty());
  start();
  see(born_before(25));
  see(other.counting(9));
  EXPECT_EQ(find(Seen(1))->pending.packets + find(Seen(2))->pending.packets, 25u + 9u - 10u);
}

TEST_F(StoreResumeTest, AnEndSeenAfterTheRestartHasItsRecord) {
  scan(1, {born_before(10)});
  stop();
  start();
  destroy(born_before(12));
  const Record last = export_one();
  EXPECT_EQ(last.delta, packets(2));
  EXPECT_EQ(last.reason, EndReason::end_of_flow);
}

TEST_F(StoreResumeTest, TheEndOfAnotherConnectionOnTheKeyIsAFlowOfItsOwn) {
  scan(1, {born_before(10)});
  stop();
  start();
  destroy(Seen().with_id(5).started(now.wall_ms - 1).counting(3));
  EXPECT_EQ(export_one().delta, packets(3));
  see(born_before(12));
  EXPECT_EQ(find(Seen())->pending, packets(2));
}

TEST_F(StoreResumeTest, AnotherZoneShowsThatItLives) {
  scan(1, {born_before(10)});
  scan(2, {born_before(10).with_id(2)});
  stop();
  start();
  EXPECT_EQ(see(born_before(90).with_id(2).in(2)), ObserveResult::other_zone);
  EXPECT_EQ(store->stats().resumed_unseen, 0u);
  scan(1, {});
  scan(1, {});
  EXPECT_FALSE(find(Seen())->ended);
  see(born_before(14));
  EXPECT_EQ(find(Seen())->pending, packets(4));
}

TEST_F(StoreResumeTest, AZoneNoLongerWatchedTakesItsBaselinesAlong) {
  scan(1, {born_before(10), Seen(2).with_id(2).started(after_store).counting(3)});
  stop(1);
  start();
  store->forget_zone(1, now);
  sweep();
  EXPECT_EQ(store->stats().resumed_gone, 1u);
  EXPECT_EQ(export_one().reason, EndReason::forced_end);
  EXPECT_EQ(store->stats().flows, 0u);
}

TEST_F(StoreResumeTest, ZeroedCountersAreANewBaselineAsEver) {
  scan(1, {born_before(10)});
  stop(0);
  start();
  see(born_before(2));
  see(born_before(5));
  EXPECT_EQ(find(Seen())->pending, packets(10 + 3));
}

// --- the userspace datapath, whose entries have neither id nor start time ---

TEST_F(StoreResumeTest, AnUnmarkedFlowLeavesOnlyWhatWasNotExported) {
  scan(1, {});
  scan(1, {Seen(1).counting(10), Seen(2).counting(3)});
  EXPECT_EQ(stop(1).size(), 1u);
  start();
  EXPECT_EQ(store->stats().flows, 1u);
  const Record left = export_one();
  EXPECT_EQ(left.reason, EndReason::forced_end);
  see(Seen(1).counting(4));
  see(Seen(2).counting(4));
  EXPECT_EQ(find(Seen(1))->pending, Counters{});
  EXPECT_EQ(find(Seen(2))->pending, Counters{});
}

TEST_F(StoreResumeTest, WhatIsRefusedIsCounted) {
  Baseline unmarked, ended;
  unmarked.flow.original = Seen(1).original;
  EXPECT_FALSE(store->resume(unmarked, now)) << "a living flow without marks";
  unmarked.flow.id = 1;
  EXPECT_TRUE(store->resume(unmarked, now));
  EXPECT_FALSE(store->resume(unmarked, now)) << "a second living one on the key";
  ended = unmarked;
  ended.flow.ended = true;
  EXPECT_TRUE(store->resume(ended, now));
  EXPECT_FALSE(store->find(Seen(1).original, {})->ended);
  EXPECT_EQ(store->stats().resume_refused, 2u);
  EXPECT_EQ(store->stats().resumed, 2u);
}

}  // namespace
}  // namespace flowstore
