// Identity, zones, reuse of keys, totals and deltas.
#include "store_fixture.h"

namespace flowstore {
namespace {

using StoreObserveTest = StoreTest;
using enum TcpState;

TEST_F(StoreObserveTest, AFirstSightShowsTheWholeEntry) {
  Seen seen = Seen().in(7).with_id(9).started(after_store).tcp(established).counting(3);
  seen.status = 0x18e;
  seen.timeout_s = 432'000;
  seen.mark = 0x42;
  seen.labels[15] = 5;
  EXPECT_EQ(see(seen), ObserveResult::created);
  const Flow* const flow = find(seen);
  ASSERT_NE(flow, nullptr);
  EXPECT_EQ(flow->original, seen.original);
  EXPECT_EQ(flow->reply, seen.reply);
  EXPECT_EQ(flow->zone, 7);
  EXPECT_EQ(flow->id, 9u);
  EXPECT_EQ(flow->status, 0x18eu);
  EXPECT_EQ(flow->timeout_s, 432'000u);
  EXPECT_EQ(flow->mark, 0x42u);
  EXPECT_EQ(flow->labels, seen.labels);
  EXPECT_EQ(flow->tcp_state, established);
  EXPECT_EQ(flow->statistics, Statistics::exact);
  EXPECT_EQ(flow->total, packets(3));
  EXPECT_EQ(flow->start_wall_ms, after_store);
  EXPECT_EQ(flow->last_wall_ms, now.wall_ms);
  EXPECT_EQ(flow->first_monotonic_ms, now.monotonic_ms);
  EXPECT_FALSE(flow->ended);
}

TEST_F(StoreObserveTest, AnUpdateShowsTheLatestAndKeepsWhatIsNotShownAgain) {
  see(Seen().with_id(9).started(after_store).tcp(established));
  pass(1'000);
  Seen later = Seen();
  later.mark = 1;
  EXPECT_EQ(see(later), ObserveResult::updated);
  EXPECT_EQ(find(later)->mark, 1u);
  EXPECT_EQ(find(later)->id, 9u);
  EXPECT_EQ(find(later)->start_wall_ms, after_store);
  EXPECT_EQ(find(later)->tcp_state, established);
  EXPECT_EQ(find(later)->last_wall_ms, now.wall_ms);
}

TEST_F(StoreObserveTest, TheStartIsTheFirstSightUntilConntrackTellsIt) {
  see(Seen());
  const std::int64_t first_wall_ms = now.wall_ms;
  pass(1'000);
  see(Seen());
  EXPECT_EQ(find(Seen())->start_wall_ms, first_wall_ms);
  EXPECT_EQ(see(Seen().started(before_store)), ObserveResult::updated);
  EXPECT_EQ(find(Seen())->start_wall_ms, before_store);
}

TEST_F(StoreObserveTest, EitherTupleMakesAnotherFlow) {
  Seen same_original = Seen();
  same_original.reply.destination_port = 12'345;
  Seen same_reply = Seen();
  same_reply.original.destination_port = 8'080;
  Seen ping = Seen();
  ping.original.protocol = ping.reply.protocol = 1;
  Seen other_ping = ping;
  other_ping.original.source_port = 77;
  for (const Seen& seen : {Seen(), same_original, same_reply, ping, other_ping}) {
    EXPECT_EQ(see(seen), ObserveResult::created);
  }
  EXPECT_EQ(store->stats().flows, 5u);
}

// --- zones ---

TEST_F(StoreObserveTest, SeveralZonesAreOneFlowCountedInTheFirst) {
  EXPECT_EQ(see(Seen().in(1).with_id(1).started(after_store).counting(5)), ObserveResult::created);
  EXPECT_EQ(see(Seen().in(2).with_id(2).started(after_store + 1).counting(50)), ObserveResult::other_zone);
  EXPECT_EQ(see(Seen().in(3).counting(500)), ObserveResult::other_zone);
  EXPECT_EQ(store->stats().flows, 1u);
  EXPECT_EQ(find(Seen())->zone, 1);
  EXPECT_EQ(find(Seen())->id, 1u);
  EXPECT_EQ(find(Seen())->total, packets(5));
}

TEST_F(StoreObserveTest, AFourthZoneIsCountedAndNotRemembered) {
  for (const std::uint16_t zone : {1, 2, 3}) see(Seen().in(zone));
  EXPECT_EQ(store->stats().zone_memberships_dropped, 0u);
  EXPECT_EQ(see(Seen().in(4)), ObserveResult::other_zone);
  EXPECT_EQ(store->stats().zone_memberships_dropped, 1u);
  for (const std::uint16_t zone : {1, 2, 3}) destroy(Seen().in(zone));
  EXPECT_TRUE(find(Seen())->ended);
}

TEST_F(StoreObserveTest, AnotherZoneSaysNothingOfReuse) {
  see(Seen().in(1).with_id(1).tcp(established));
  EXPECT_EQ(see(Seen().in(2).with_id(99).tcp(syn_sent)), ObserveResult::other_zone);
  EXPECT_EQ(see(Seen().in(2).with_id(100).tcp(syn_sent)), ObserveResult::other_zone);
  EXPECT_EQ(find(Seen())->tcp_state, established);
}

// --- reuse ---

TEST_F(StoreObserveTest, AKeyIsReusedByAnotherIdOrStartOrElseByAReopening) {
  const std::int64_t t = after_store;
  const struct {
    const char* story;
    Seen before, after;
    ObserveResult result;
  } cases[] = {
      {"same id", Seen().with_id(1), Seen().with_id(1), ObserveResult::updated},
      {"new id", Seen().with_id(1), Seen().with_id(2), ObserveResult::restarted},
      {"id shown for the first time", Seen(), Seen().with_id(2), ObserveResult::updated},
      {"id not shown any more", Seen().with_id(1), Seen(), ObserveResult::updated},
      {"same start", Seen().started(t), Seen().started(t), ObserveResult::updated},
      {"new start", Seen().started(t), Seen().started(t + 1), ObserveResult::restarted},
      {"new start, same id", Seen().with_id(1).started(t), Seen().with_id(1).started(t + 1), ObserveResult::restarted},
      {"start shown for the first time", Seen(), Seen().started(t), ObserveResult::updated},
      {"established to syn_sent", Seen().tcp(established), Seen().tcp(syn_sent), ObserveResult::restarted},
      {"time_wait to syn_received", Seen().tcp(time_wait), Seen().tcp(syn_received), ObserveResult::restarted},
      {"closed to syn_sent", Seen().tcp(closed), Seen().tcp(syn_sent), ObserveResult::restarted},
      {"syn_received to syn_sent", Seen().tcp(syn_received), Seen().tcp(syn_sent), ObserveResult::updated},
      {"syn_sent again", Seen().tcp(syn_sent), Seen().tcp(syn_sent), ObserveResult::updated},
      {"time_wait to established", Seen().tcp(time_wait), Seen().tcp(established), ObserveResult::updated},
      {"reopening, but the id is the same", Seen().with_id(1).tcp(time_wait), Seen().with_id(1).tcp(syn_sent),
       ObserveResult::updated},
      {"reopening, but the start is the same", Seen().started(t).tcp(time_wait), Seen().started(t).tcp(syn_sent),
       ObserveResult::updated},
      {"reopening, an id on one side only", Seen().with_id(1).tcp(time_wait), Seen().tcp(syn_sent),
       ObserveResult::restarted},
  };
  for (const auto& c : cases) {
    restart({});
    see(c.before.counting(10));
    EXPECT_EQ(see(c.after.counting(3)), c.result) << c.story;
    const bool restarted = c.result == ObserveResult::restarted;
    EXPECT_EQ(store->stats().flows, restarted ? 2u : 1u) << c.story;
    EXPECT_EQ(store->stats().restarted, restarted ? 1u : 0u) << c.story;
  }
}

TEST_F(StoreObserveTest, TheOldFlowKeepsItsLastExportWhileTheNewHasTheKey) {
  scan(1, {});
  see(Seen().with_id(1).counting(10));
  store->set_names(Seen().original, Seen().reply, 77);
  pass(1'000);
  const std::int64_t last_seen_wall_ms = now.wall_ms - 1'000;
  EXPECT_EQ(see(Seen().with_id(2).counting(3)), ObserveResult::restarted);
  EXPECT_EQ(find(Seen())->id, 2u);
  EXPECT_EQ(find(Seen())->names, 0u) << "a new connection may have other names";
  const Record last = export_one();
  EXPECT_EQ(last.flow.id, 1u);
  EXPECT_EQ(last.flow.names, 77u);
  EXPECT_EQ(last.flow.last_wall_ms, last_seen_wall_ms);
  EXPECT_EQ(last.delta, packets(10));
  EXPECT_EQ(last.reason, EndReason::end_of_flow);
  ASSERT_NE(find(Seen()), nullptr);
  EXPECT_EQ(find(Seen())->pending, packets(3));
  EXPECT_EQ(store->stats().counter_steps_back, 0u);
}

TEST_F(StoreObserveTest, AKeyReusedOverAndOverLeavesOneEndedFlowEach) {
  scan(1, {});
  for (std::uint32_t id = 1; id <= 5; ++id) see(Seen().with_id(id).counting(id));
  EXPECT_EQ(store->stats().flows, 5u);
  EXPECT_EQ(store->stats().ended_waiting, 4u);
  const auto records = export_due();
  ASSERT_EQ(records.size(), 4u);
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(records[i].delta, packets(i + 1));
  EXPECT_EQ(find(Seen())->id, 5u);
}

TEST_F(StoreObserveTest, AnEndedFlowThatWaitsDoesNotTakeWhatTheKeyShowsNext) {
  scan(1, {});
  see(Seen().counting(10));
  destroy(Seen().counting(11));
  EXPECT_EQ(see(Seen().counting(2)), ObserveResult::created);
  EXPECT_EQ(store->stats().restarted, 0u);
  EXPECT_EQ(store->stats().flows, 2u);
  EXPECT_EQ(export_one().delta, packets(11));
  EXPECT_EQ(find(Seen())->pending, packets(2));
}

TEST_F(StoreObserveTest, AnEntryWronglyTakenForGoneGoesOnFromWhatItsFlowHadCounted) {
  see(Seen().with_id(1).started(after_store).counting(10));
  for (int i = 0; i < 2; ++i) scan(1, {});
  ASSERT_TRUE(find(Seen())->ended);
  EXPECT_EQ(see(Seen().with_id(1).started(after_store).counting(12)), ObserveResult::created);
  EXPECT_EQ(find(Seen())->pending, packets(2));
  EXPECT_EQ(find(Seen())->total, packets(12));
  EXPECT_EQ(export_one().delta, packets(10));
}

// --- totals and deltas ---

TEST_F(StoreObserveTest, TheFirstDeltaIsTheTotalWhenTheBirthWasSeen) {
  const struct {
    const char* story;
    int complete_scans, failed_scans;
    std::int64_t start_wall_ms;
    bool birth_seen;
  } cases[] = {
      {"older than the store", 0, 0, before_store, false},
      {"older than the store, though scans missed it", 3, 0, before_store, false},
      {"as old as the store", 0, 0, store_start_wall_ms, true},
      {"younger than the store", 0, 0, after_store, true},
      {"no start time, within the first scan", 0, 0, 0, false},
      {"no start time, first scan failed", 0, 1, 0, false},
      {"no start time, second scan", 1, 0, 0, true},
      {"no start time, a failed scan between", 1, 1, 0, true},
  };
  for (const auto& c : cases) {
    restart({});
    for (int i = 0; i < c.complete_scans; ++i) scan(1, {}, true);
    for (int i = 0; i < c.failed_scans; ++i) scan(1, {}, false);
    store->begin_scan(1, now);
    see(Seen().started(c.start_wall_ms).counting(10));
    EXPECT_EQ(find(Seen())->birth_seen, c.birth_seen) << c.story;
    EXPECT_EQ(find(Seen())->total, packets(10)) << c.story;
    EXPECT_EQ(find(Seen())->pending, c.birth_seen ? packets(10) : Counters{}) << c.story;
  }
}

TEST_F(StoreObserveTest, StatisticsThatComeAndGo) {
  using enum Statistics;
  struct Step {
    Statistics statistics;
    std::uint64_t count;
  };
  const struct {
    const char* story;
    bool birth_seen;
    std::vector<Step> steps;
    std::uint64_t total, pending;
    Statistics statistics;
  } cases[] = {
      {"never counted", true, {{none, 9}, {none, 10}}, 0, 0, none},
      {"counted from later on, birth seen", true, {{none, 0}, {exact, 7}}, 7, 7, exact},
      {"counted from later on, birth not seen", false, {{none, 0}, {exact, 7}, {exact, 9}}, 9, 2, exact},
      {"not counted any more", true, {{exact, 7}, {none, 0}}, 7, 7, exact},
      {"not counted for a while", true, {{exact, 7}, {none, 0}, {exact, 9}}, 9, 9, exact},
      {"not counted for a while, birth not seen", false, {{exact, 7}, {none, 0}, {exact, 9}}, 9, 2, exact},
      {"estimated at first", true, {{estimated, 5}, {exact, 8}}, 8, 8, exact},
      {"estimated too high at first", true, {{estimated, 9}, {exact, 8}, {exact, 10}}, 10, 11, exact},
      {"estimated later", true, {{exact, 5}, {estimated, 6}}, 6, 6, estimated},
  };
  for (const auto& c : cases) {
    restart({});
    for (const Step& step : c.steps) {
      see(Seen().started(c.birth_seen ? after_store : before_store).counting(step.count, step.statistics));
    }
    EXPECT_EQ(find(Seen())->total, packets(c.total)) << c.story;
    EXPECT_EQ(find(Seen())->pending, packets(c.pending)) << c.story;
    EXPECT_EQ(find(Seen())->statistics, c.statistics) << c.story;
    EXPECT_EQ(store->stats().without_statistics, c.statistics == none ? 1u : 0u) << c.story;
  }
}

TEST_F(StoreObserveTest, AStepBackKeepsWhatWasPendingAndAddsNothing) {
  see(Seen().started(after_store).counting(10));
  see(Seen().started(after_store).counting(3));
  EXPECT_EQ(find(Seen())->pending, packets(10));
  EXPECT_EQ(find(Seen())->total, packets(3));
  EXPECT_EQ(store->stats().counter_steps_back, 1u);
  see(Seen().started(after_store).counting(5));
  EXPECT_EQ(find(Seen())->pending, packets(12));
  EXPECT_EQ(store->stats().counter_steps_back, 1u);
}

TEST_F(StoreObserveTest, AStepBackOfOneFieldIsANewBaselineForAll) {
  see(Seen().started(after_store).counting({10, 10, 10, 10}));
  see(Seen().started(after_store).counting({50, 50, 50, 9}));
  EXPECT_EQ(find(Seen())->pending, (Counters{10, 10, 10, 10}));
  EXPECT_EQ(find(Seen())->total, (Counters{50, 50, 50, 9}));
  EXPECT_EQ(store->stats().counter_steps_back, 1u);
}

TEST_F(StoreObserveTest, DeltasSumToWhatWasObserved) {
  see(Seen().started(before_store).counting(100));
  Counters sum;
  for (std::uint64_t total = 107; total < 200; total += 7) {
    see(Seen().started(before_store).counting(total));
    pass(active_ms);
    const Record record = export_one();
    EXPECT_EQ(record.flow.total, packets(total));
    sum.packets += record.delta.packets;
    sum.reverse_octets += record.delta.reverse_octets;
  }
  EXPECT_EQ(sum.packets, packets(198 - 100).packets);
  EXPECT_EQ(sum.reverse_octets, packets(198 - 100).reverse_octets);
}

// --- batches ---

TEST_F(StoreObserveTest, ABatchDoesWhatOneAfterTheOtherDoes) {
  std::vector<Observation> batch;
  for (int i = 0; i < 100; ++i)
    batch.push_back(Seen(static_cast<std::uint8_t>(i % 30)).with_id(1 + i / 70).counting(i));
  Store one_by_one({.max_flows = 25}, {active_ms, 0}, now);
  Store in_batch({.max_flows = 25}, {active_ms, 0}, now);
  std::vector<ObserveResult> results(batch.size());
  in_batch.observe_batch(batch, now, results);
  for (std::size_t i = 0; i < batch.size(); ++i) EXPECT_EQ(one_by_one.observe(batch[i], now), results[i]) << i;
  EXPECT_EQ(in_batch.stats().created, one_by_one.stats().created);
  EXPECT_EQ(in_batch.stats().refused_full, one_by_one.stats().refused_full);
  EXPECT_GT(in_batch.stats().restarted, 0u);
  for (std::uint8_t connection = 0; connection < 30; ++connection) {
    const Seen seen(connection);
    const Flow* const expected = one_by_one.find(seen.original, seen.reply);
    const Flow* const flow = in_batch.find(seen.original, seen.reply);
    ASSERT_EQ(flow == nullptr, expected == nullptr);
    EXPECT_EQ(flow ? flow->total : Counters{}, expected ? expected->total : Counters{});
  }
}

}  // namespace
}  // namespace flowstore
