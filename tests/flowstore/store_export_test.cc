// Deadlines, reasons, and what an export does to a flow.
#include "store_fixture.h"

namespace flowstore {
namespace {

class StoreExportTest : public StoreTest {
 protected:
  void with_idle(std::int64_t idle_ms) { restart({}, {active_ms, idle_ms}); }
  Seen living(std::uint64_t count = 1) const { return Seen().started(after_store).counting(count); }
};

TEST_F(StoreExportTest, AnEmptyStoreIsNeverDue) {
  EXPECT_EQ(store->next_deadline_ms(), std::nullopt);
  EXPECT_TRUE(export_due().empty());
}

TEST_F(StoreExportTest, ALivingFlowIsDueOncePerActivePeriodFromItsFirstSight) {
  see(living(5));
  EXPECT_EQ(due_in(), active_ms);
  pass(active_ms - 1);
  EXPECT_TRUE(export_due().empty());
  pass(1);
  const Record first = export_one();
  EXPECT_EQ(first.reason, EndReason::active_timeout);
  EXPECT_EQ(first.delta, packets(5));
  EXPECT_EQ(first.flow.exports, 0u) << "a sink sees the flow as it was before";
  EXPECT_EQ(find(Seen())->exports, 1u);
  EXPECT_EQ(find(Seen())->pending, Counters{});
  EXPECT_EQ(due_in(), active_ms);
  EXPECT_TRUE(export_due().empty());
  pass(active_ms);
  EXPECT_EQ(export_one().delta, Counters{});
  EXPECT_TRUE(removed.empty());
}

TEST_F(StoreExportTest, MissedPeriodsAreSkippedAndThePhaseKept) {
  see(living());
  pass(active_ms * 3 + 7);
  EXPECT_EQ(export_due().size(), 1u);
  EXPECT_EQ(due_in(), active_ms - 7);
}

TEST_F(StoreExportTest, FlowsComeEarliestFirstAndNoMoreThanAskedFor) {
  for (std::uint8_t i = 1; i <= 5; ++i) {
    see(Seen(i));
    pass(10);
  }
  pass(active_ms);
  EXPECT_EQ(store->export_due(now, 0, [](Export&) { return true; }), 0u);
  const auto first = export_due(3);
  ASSERT_EQ(first.size(), 3u);
  const auto rest = export_due();
  ASSERT_EQ(rest.size(), 2u);
  for (std::uint8_t i = 0; i < 3; ++i) EXPECT_EQ(first[i].flow.original, Seen(i + 1).original);
  for (std::uint8_t i = 0; i < 2; ++i) EXPECT_EQ(rest[i].flow.original, Seen(i + 4).original);
}

TEST_F(StoreExportTest, AnEndedFlowIsDueAtOnceAndLeavesByItsExport) {
  see(living(5));
  pass(10);
  destroy(Seen());
  EXPECT_EQ(due_in(), 0);
  EXPECT_EQ(export_one().reason, EndReason::end_of_flow);
  ASSERT_EQ(removed.size(), 1u);
  EXPECT_EQ(removed[0].exports, 1u);
  EXPECT_EQ(find(Seen()), nullptr);
  EXPECT_EQ(store->stats().flows, 0u);
  EXPECT_EQ(store->next_deadline_ms(), std::nullopt);
}

TEST_F(StoreExportTest, EndedAndLivingFlowsComeInOneOrderOfTime) {
  see(Seen(1));
  see(Seen(2));
  pass(active_ms + 5);
  destroy(Seen(2));
  const auto records = export_due();
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].reason, EndReason::active_timeout);
  EXPECT_EQ(records[1].reason, EndReason::end_of_flow);
}

TEST_F(StoreExportTest, ARecordTheSinkDoesNotTakeLeavesEverythingAsItWas) {
  see(living(5));
  see(Seen(2));
  destroy(Seen(2).counting(3));
  pass(active_ms);
  const auto refuse = [](Export&) { return false; };
  for (int i = 0; i < 3; ++i) EXPECT_EQ(store->export_due(now, 10, refuse), 0u);
  EXPECT_EQ(store->stats().exported, 0u);
  EXPECT_EQ(store->stats().flows, 2u);
  EXPECT_EQ(find(Seen())->pending, packets(5));
  EXPECT_EQ(find(Seen())->exports, 0u);
  EXPECT_TRUE(removed.empty());
  EXPECT_LE(due_in(), 0);
  see(living(6));
  const auto records = export_due();
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].reason, EndReason::end_of_flow);
  EXPECT_EQ(records[1].delta, packets(6)) << "what came meanwhile is in the record";
}

TEST_F(StoreExportTest, ARefusalStopsTheRoundAfterWhatWasTaken) {
  for (std::uint8_t i = 1; i <= 5; ++i) see(Seen(i));
  pass(active_ms);
  int calls = 0;
  EXPECT_EQ(store->export_due(now, 10, [&](Export&) { return ++calls <= 2; }), 2u);
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(export_due().size(), 3u);
}

TEST_F(StoreExportTest, ASinkMayNameTheFlow) {
  see(living());
  pass(active_ms);
  store->export_due(now, 1, [](Export& record) {
    record.flow.names = 5;
    return true;
  });
  EXPECT_EQ(find(Seen())->names, 5u);
}

// --- idle ---

TEST_F(StoreExportTest, AFlowThatCountsNothingNewIsExportedAsIdleOnce) {
  with_idle(15'000);
  see(living(5));
  EXPECT_EQ(due_in(), 15'000);
  pass(15'000);
  const Record idle = export_one();
  EXPECT_EQ(idle.reason, EndReason::idle_timeout);
  EXPECT_EQ(idle.delta, packets(5));
  EXPECT_EQ(store->next_deadline_ms(), std::nullopt);
  pass(active_ms * 10);
  see(living(5));
  EXPECT_TRUE(export_due().empty());
  EXPECT_EQ(store->stats().flows, 1u) << "it stays in the store";
}

TEST_F(StoreExportTest, AFlowThatCountsAgainAfterIdleHasBothTimesAnew) {
  with_idle(15'000);
  see(living(5));
  pass(15'000);
  export_due();
  pass(100'000);
  see(living(6));
  EXPECT_EQ(due_in(), 15'000);
  for (std::uint64_t count = 7; count < 13; ++count) {
    pass(10'000);
    see(living(count));
    EXPECT_EQ(export_due().size(), count == 12 ? 1u : 0u) << count;
  }
  EXPECT_EQ(find(Seen())->exports, 2u);
  pass(15'000);
  EXPECT_EQ(export_one().reason, EndReason::idle_timeout);
}

TEST_F(StoreExportTest, AFlowThatKeepsCountingIsNotIdle) {
  with_idle(15'000);
  see(living(1));
  for (std::uint64_t count = 2; count <= 6; ++count) {
    pass(10'000);
    see(living(count));
    EXPECT_TRUE(export_due().empty());
  }
  EXPECT_LE(due_in(), 10'000);
  pass(10'000);
  EXPECT_EQ(export_one().reason, EndReason::active_timeout);
  pass(5'000);
  const Record idle = export_one();
  EXPECT_EQ(idle.reason, EndReason::idle_timeout);
  EXPECT_EQ(idle.delta, Counters{}) << "said even when there is nothing to add";
}

TEST_F(StoreExportTest, OtherSightsDoNotKeepAFlowFromIdling) {
  const Seen steps_back[] = {living(5), living(3), Seen().in(2).counting(100), Seen()};
  for (const Seen& sight : steps_back) {
    with_idle(15'000);
    see(living(5));
    pass(10'000);
    see(sight);
    pass(5'000);
    EXPECT_EQ(export_one().reason, EndReason::idle_timeout);
  }
}

TEST_F(StoreExportTest, AFlowNothingCountsIsIdleAfterItsFirstSight) {
  with_idle(15'000);
  see(Seen());
  pass(15'000);
  EXPECT_EQ(export_one().reason, EndReason::idle_timeout);
  EXPECT_EQ(store->next_deadline_ms(), std::nullopt);
}

TEST_F(StoreExportTest, AnIdleFlowThatEndsHasItsLastExport) {
  with_idle(15'000);
  see(living(5));
  pass(15'000);
  export_due();
  destroy(Seen().started(after_store).counting(7));
  const Record last = export_one();
  EXPECT_EQ(last.reason, EndReason::end_of_flow);
  EXPECT_EQ(last.delta, packets(2));
}

// --- flush, shutdown, new timing ---

TEST_F(StoreExportTest, AFlushMakesAllDueAndLeavesTheirLaterDeadlines) {
  with_idle(30'000);
  see(Seen(1));
  pass(30'000);
  EXPECT_EQ(export_due().size(), 1u) << "idle from here on";
  see(living(2).with_id(2));
  see(Seen(2).started(after_store).counting(1));
  pass(10'000);
  store->make_all_due(now);
  sweep();
  EXPECT_EQ(due_in(), 0);
  const auto records = export_due();
  ASSERT_EQ(records.size(), 2u);
  for (const Record& record : records) EXPECT_EQ(record.reason, EndReason::active_timeout);
  EXPECT_EQ(due_in(), 20'000);
  EXPECT_TRUE(removed.empty());
}

TEST_F(StoreExportTest, AFlushIncludesFlowsThatWereExportedAsIdle) {
  with_idle(30'000);
  see(Seen());
  pass(30'000);
  EXPECT_EQ(export_one().reason, EndReason::idle_timeout);
  store->make_all_due(now);
  sweep();
  EXPECT_EQ(export_one().reason, EndReason::active_timeout);
  EXPECT_EQ(store->next_deadline_ms(), std::nullopt);
}

TEST_F(StoreExportTest, AFlushAndANewTimingGoInSlices) {
  for (std::uint8_t i = 0; i < 40; ++i) see(Seen(i));
  pass(10'000);
  store->make_all_due(now);
  EXPECT_TRUE(store->sweep(10, now));
  EXPECT_EQ(export_due().size(), 10u);
  store->set_timing({20'000, 0}, now);
  EXPECT_EQ(export_due().size(), 30u) << "a second task has finished the first";
  EXPECT_TRUE(store->sweep(4, now));
  pass(10'000);
  EXPECT_EQ(export_due().size(), 34u) << "those just exported have the new timing, too";
  sweep();
  EXPECT_EQ(export_due().size(), 6u);
}

TEST_F(StoreExportTest, WhatTheSweepHasNotReachedIsAsIfItHad) {
  with_idle(30'000);
  see(living(1));
  pass(30'000);
  EXPECT_EQ(export_one().reason, EndReason::idle_timeout);
  store->set_timing({7'000, 0}, now);
  const std::int64_t set_at_ms = now.monotonic_ms;
  pass(5'000);
  see(living(2));
  EXPECT_EQ(store->next_deadline_ms(), set_at_ms + 7'000) << "not idle any more since the timing was set";
  store->make_all_due(now);
  see(living(3));
  sweep();
  EXPECT_EQ(export_one().delta, packets(2));
  sweep();
  EXPECT_TRUE(export_due().empty()) << "flushed once";
}

TEST_F(StoreExportTest, AShorterActiveTimePullsDeadlinesIn) {
  see(living());
  pass(20'000);
  store->set_timing({30'000, 0}, now);
  sweep();
  EXPECT_EQ(due_in(), 10'000);
  store->set_timing({5'000, 0}, now);
  sweep();
  EXPECT_EQ(due_in(), -15'000) << "overdue by the new time";
  EXPECT_EQ(export_due().size(), 1u);
  EXPECT_EQ(due_in(), 5'000);
}

TEST_F(StoreExportTest, ALongerActiveTimeAppliesFromTheNextDeadlineOn) {
  see(living());
  store->set_timing({active_ms * 2, 0}, now);
  sweep();
  EXPECT_EQ(due_in(), active_ms);
  pass(active_ms);
  export_due();
  EXPECT_EQ(due_in(), active_ms * 2);
  store->set_timing({active_ms, 0}, now);
  sweep();
  EXPECT_EQ(due_in(), active_ms) << "counted from the last export";
}

TEST_F(StoreExportTest, AnIdleTimeCanComeAndGo) {
  see(living());
  pass(20'000);
  store->set_timing({active_ms, 30'000}, now);
  sweep();
  EXPECT_EQ(due_in(), 10'000);
  pass(10'000);
  EXPECT_EQ(export_one().reason, EndReason::idle_timeout);
  EXPECT_EQ(store->next_deadline_ms(), std::nullopt);
  pass(1'000);
  store->set_timing({active_ms, 40'000}, now);
  sweep();
  EXPECT_EQ(store->next_deadline_ms(), std::nullopt) << "still idle";
  store->set_timing({active_ms, 0}, now);
  sweep();
  EXPECT_EQ(due_in(), active_ms) << "nothing is idle without an idle time";
}

TEST_F(StoreExportTest, AnActiveTimeOfNothingIsAtLeastAMillisecond) {
  restart({}, {0, 0});
  see(living());
  EXPECT_EQ(due_in(), 1);
  pass(10);
  EXPECT_EQ(export_due().size(), 1u);
  EXPECT_EQ(due_in(), 1);
}

}  // namespace
}  // namespace flowstore
