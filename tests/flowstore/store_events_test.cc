// NEW and DESTROY events, alone and between the lines of a dump.
#include "store_fixture.h"

namespace flowstore {
namespace {

TEST_F(StoreTest, ANewEventIsABirthWithoutAnyScan) {
  EXPECT_EQ(see(Seen().with_id(1).born()), ObserveResult::created);
  EXPECT_TRUE(find(Seen())->birth_seen);
  EXPECT_EQ(find(Seen())->statistics, Statistics::none);
  pass(1'000);
  // The dump knows when it began: before the store by a clock that was set since.
  see(Seen().with_id(1).started(before_store).counting(5));
  destroy(Seen().with_id(1).started(before_store).stopped(after_store).counting(8));
  const Record record = export_one();
  EXPECT_EQ(record.delta, packets(8));
  EXPECT_EQ(record.flow.total, packets(8));
  EXPECT_EQ(record.flow.start_wall_ms, before_store);
  EXPECT_EQ(record.flow.last_wall_ms, after_store);
}

TEST_F(StoreTest, AFlowShorterThanAnyPollIsItsTwoEvents) {
  see(Seen().with_id(1).born());
  destroy(Seen().with_id(1).started(after_store).stopped(after_store + 20).counting(3));
  const Record record = export_one();
  EXPECT_EQ(record.delta, packets(3));
  EXPECT_EQ(record.reason, EndReason::end_of_flow);
  EXPECT_EQ(record.flow.start_wall_ms, after_store);
  EXPECT_EQ(record.flow.last_wall_ms, after_store + 20);
  EXPECT_EQ(store->stats().flows, 0u);
  EXPECT_EQ(store->stats().created, 1u);
}

TEST_F(StoreTest, LabelsAndMarkOfTheNewEventOutliveTheDestroyEvent) {
  Seen fresh = Seen().with_id(1).born();
  fresh.mark = 7;
  fresh.labels[15] = 9;
  see(fresh);
  destroy(Seen().with_id(1).counting(1));
  const Flow flow = export_one().flow;
  EXPECT_EQ(flow.mark, 7u);
  EXPECT_EQ(flow.labels[15], 9);
}

TEST_F(StoreTest, ADumpAheadOfTheNewEventLosesNothing) {
  store->begin_scan(1, now);
  Seen in_dump = Seen().with_id(1).counting(4);
  in_dump.mark = 7;
  see(in_dump);
  EXPECT_EQ(find(Seen())->pending, Counters{}) << "an entry of the first scan may be older than the store";
  EXPECT_EQ(see(Seen().with_id(1).born()), ObserveResult::updated);
  EXPECT_EQ(find(Seen())->pending, packets(4)) << "the event says that it is not";
  EXPECT_EQ(find(Seen())->mark, 7u) << "the event is the older picture";
  store->end_scan(1, true, now);
  destroy(Seen().with_id(1).counting(6));
  EXPECT_EQ(export_one().delta, packets(6));
}

TEST_F(StoreTest, ABirthKnownLateChangesNoRecordThatWasSent) {
  see(Seen().with_id(1).counting(4));
  pass(active_ms);
  EXPECT_EQ(export_one().delta, Counters{});
  see(Seen().with_id(1).born());
  destroy(Seen().with_id(1).counting(6));
  EXPECT_EQ(export_one().delta, packets(2));
}

TEST_F(StoreTest, TuplesReusedBetweenTwoPollsAreTwoFlows) {
  see(Seen().with_id(1).born());
  destroy(Seen().with_id(1).started(after_store).counting(3));
  see(Seen().with_id(2).born());
  destroy(Seen().with_id(2).started(after_store + 10).counting(5));
  const auto records = export_due();
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].delta, packets(3));
  EXPECT_EQ(records[1].delta, packets(5));
}

// The kernel makes the id of the entry's place in memory: the next connection on the key often has the same.

TEST_F(StoreTest, AnIdThatComesAgainOnTheKeyIsANewConnection) {
  for (const bool scanning : {false, true}) {
    restart({});
    if (scanning) store->begin_scan(1, now);
    see(Seen().with_id(1).born());
    destroy(Seen().with_id(1).started(after_store).counting(3));
    EXPECT_EQ(see(Seen().with_id(1).born()), ObserveResult::created);
    EXPECT_FALSE(find(Seen())->ended);
    EXPECT_EQ(find(Seen())->total, Counters{});
    destroy(Seen().with_id(1).started(after_store + 10).counting(2));
    const auto records = export_due();
    ASSERT_EQ(records.size(), 2u);
    EXPECT_EQ(records[0].delta, packets(3));
    EXPECT_EQ(records[1].delta, packets(2));
  }
}

TEST_F(StoreTest, ADumpsPictureOfTheLastConnectionIsNotTakenForTheOneThatHasItsId) {
  store->begin_scan(1, now);
  see(Seen().with_id(1).born());
  destroy(Seen().with_id(1).started(after_store).counting(3));
  see(Seen().with_id(1).born());
  EXPECT_EQ(see(Seen().with_id(1).started(after_store).counting(2)), ObserveResult::stale);
  EXPECT_EQ(find(Seen())->total, Counters{});
  EXPECT_EQ(see(Seen().with_id(1).started(after_store + 10).counting(1)), ObserveResult::updated);
  EXPECT_EQ(find(Seen())->total, packets(1));
}

TEST_F(StoreTest, ADumpsPictureOfAnEarlierConnectionIsKnownAfterSeveralOfItsIdHaveEnded) {
  store->begin_scan(1, now);
  for (const std::int64_t start : {after_store, after_store + 10}) {
    see(Seen().with_id(1).born());
    destroy(Seen().with_id(1).started(start).counting(3));
  }
  for (const std::int64_t start : {after_store, after_store + 10}) {
    EXPECT_EQ(see(Seen().with_id(1).started(start).counting(2)), ObserveResult::stale);
  }
  EXPECT_EQ(store->stats().created, 2u);
}

TEST_F(StoreTest, ANewEventThatADumpHasOvertakenDoesNotEndTheConnectionTheDumpShowed) {
  store->begin_scan(1, now);
  see(Seen().with_id(2).started(after_store + 10).counting(4));
  EXPECT_EQ(see(Seen().with_id(1).born()), ObserveResult::updated);
  destroy(Seen().with_id(1).started(after_store).counting(3));
  EXPECT_EQ(see(Seen().with_id(2).born()), ObserveResult::updated);
  store->end_scan(1, true, now);
  EXPECT_EQ(export_one().delta, packets(3));
  destroy(Seen().with_id(2).started(after_store + 10).counting(5));
  EXPECT_EQ(export_one().delta, packets(5));
  EXPECT_EQ(store->stats().restarted, 0u);
}

TEST_F(StoreTest, ADestroyEventThatADumpHasOvertakenIsNotTakenForTheNextOfItsId) {
  store->begin_scan(1, now);
  see(Seen().with_id(1).born());
  see(Seen().with_id(2).started(after_store + 20).counting(4));
  destroy(Seen().with_id(1).started(after_store).counting(Counters{}));
  see(Seen().with_id(1).born());
  destroy(Seen().with_id(1).started(after_store + 10).counting(Counters{}));
  EXPECT_EQ(store->stats().created, 3u) << "one in between, which carried as little as the first";
}

TEST_F(StoreTest, ABatchKeepsTheOrderOfEvents) {
  std::vector<Observation> events;
  for (std::uint32_t id = 1; id <= 100; ++id) {
    events.push_back(Seen().with_id(id).born());
    events.push_back(Seen().with_id(id).started(after_store + id).counting(id).gone());
    events.push_back(Seen(2).with_id(id).born());  // whose DESTROY was lost
  }
  std::vector<ObserveResult> results(events.size());
  store->observe_batch(events, now, results);
  for (std::size_t i = 0; i < events.size(); i += 3) {
    EXPECT_EQ(results[i], ObserveResult::created);
    EXPECT_EQ(results[i + 1], ObserveResult::ended);
    EXPECT_EQ(results[i + 2], i == 0 ? ObserveResult::created : ObserveResult::restarted);
  }
  const auto records = export_due();
  ASSERT_EQ(records.size(), 199u);
  std::uint32_t next = 1;
  for (const Record& record : records) {
    if (record.flow.original == Seen().original) {
      EXPECT_EQ(record.delta, packets(next++));
    }
  }
  EXPECT_EQ(next, 101u);
}

}  // namespace
}  // namespace flowstore
