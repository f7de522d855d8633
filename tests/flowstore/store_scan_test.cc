// Ends by absence from scans, and zones no longer watched.
#include "store_fixture.h"

namespace flowstore {
namespace {

using StoreScanTest = StoreTest;

TEST_F(StoreScanTest, AbsenceFromTwoCompleteScansEndsAFlowWithItsLastObservation) {
  scan(1, {});
  scan(1, {Seen().counting(10)});
  const std::int64_t last_seen_wall_ms = now.wall_ms;
  pass(5'000);
  scan(1, {});
  EXPECT_FALSE(find(Seen())->ended);
  pass(5'000);
  scan(1, {});
  ASSERT_TRUE(find(Seen())->ended);
  EXPECT_EQ(store->stats().ended_waiting, 1u);
  const Record last = export_one();
  EXPECT_EQ(last.reason, EndReason::end_of_flow);
  EXPECT_EQ(last.delta, packets(10));
  EXPECT_EQ(last.flow.last_wall_ms, last_seen_wall_ms);
  EXPECT_EQ(find(Seen()), nullptr);
}

TEST_F(StoreScanTest, AFailedScanEndsNoFlow) {
  scan(1, {Seen()});
  for (int i = 0; i < 5; ++i) scan(1, {}, false);
  EXPECT_FALSE(find(Seen())->ended);
  scan(1, {});
  scan(1, {}, false);
  EXPECT_FALSE(find(Seen())->ended);
  scan(1, {});
  EXPECT_TRUE(find(Seen())->ended);
}

TEST_F(StoreScanTest, AFlowFirstSeenAfterAScanBeganIsNotJudgedByIt) {
  store->begin_scan(1, now);
  see(Seen());
  store->end_scan(1, true, now);
  scan(1, {});
  EXPECT_FALSE(find(Seen())->ended);
  scan(1, {});
  EXPECT_TRUE(find(Seen())->ended);
}

TEST_F(StoreScanTest, AnAbandonedScanJudgesNothing) {
  see(Seen());
  scan(1, {});
  store->begin_scan(1, now);
  store->begin_scan(1, now);
  store->end_scan(1, false, now);
  sweep();
  EXPECT_FALSE(find(Seen())->ended);
}

TEST_F(StoreScanTest, AnEventBetweenScansStartsTheRowAfresh) {
  see(Seen());
  scan(1, {});
  see(Seen());
  scan(1, {});
  EXPECT_FALSE(find(Seen())->ended);
  scan(1, {});
  EXPECT_TRUE(find(Seen())->ended);
}

TEST_F(StoreScanTest, AnotherZoneKeepsAFlowAliveWithTheCountersItHad) {
  scan(1, {Seen().with_id(1).counting(10)});
  scan(2, {Seen().with_id(2).counting(90)});
  for (int i = 0; i < 3; ++i) {
    scan(1, {});
    scan(2, {Seen().with_id(2).counting(100)});
  }
  ASSERT_FALSE(find(Seen())->ended);
  EXPECT_EQ(find(Seen())->zone, 1);
  EXPECT_EQ(find(Seen())->total, packets(10));
  for (int i = 0; i < 2; ++i) scan(2, {});
  EXPECT_TRUE(find(Seen())->ended);
}

TEST_F(StoreScanTest, TheCountingZonesEntryIsCountedAgainWhenItComesBack) {
  const Seen seen = Seen().with_id(1).started(before_store);
  see(seen.counting(10));
  see(Seen().in(2));
  for (int i = 0; i < 2; ++i) scan(1, {});
  EXPECT_EQ(see(seen.counting(15)), ObserveResult::updated);
  EXPECT_EQ(find(Seen())->pending, packets(5));
}

TEST_F(StoreScanTest, AnUnmarkedEntryThatComesBackToTheCountingZoneIsANewConnection) {
  see(Seen().counting(10));
  see(Seen().in(2));
  for (int i = 0; i < 2; ++i) scan(1, {});
  EXPECT_EQ(see(Seen().counting(15)), ObserveResult::restarted);
}

TEST_F(StoreScanTest, WhatIsJudgedButNotSweptYet) {
  const struct {
    const char* story;
    Seen before, after;
    ObserveResult result;
  } cases[] = {
      {"the same id: it was there all the time", Seen().with_id(1), Seen().with_id(1), ObserveResult::updated},
      {"another id", Seen().with_id(1), Seen().with_id(2), ObserveResult::restarted},
      {"no marks: absence tells connections apart", Seen(), Seen(), ObserveResult::restarted},
      {"another zone's entry is not what was gone", Seen(), Seen().in(2), ObserveResult::restarted},
  };
  for (const auto& c : cases) {
    restart({});
    see(c.before);
    for (int i = 0; i < 2; ++i) {
      store->begin_scan(1, now);
      store->end_scan(1, true, now);
    }
    EXPECT_EQ(see(c.after), c.result) << c.story;
    sweep();
    EXPECT_FALSE(find(c.after)->ended) << c.story;
  }
}

TEST_F(StoreScanTest, ASweepGoesInSlicesWhileScansComeAndGo) {
  constexpr std::uint8_t flows = 40;
  for (std::uint8_t i = 0; i < flows; ++i) see(Seen(i));
  scan(1, {});
  store->begin_scan(1, now);
  store->end_scan(1, true, now);
  EXPECT_TRUE(store->sweep(10, now));
  EXPECT_EQ(store->stats().ended_waiting, 10u) << "a slice does no more than it was asked for";
  store->begin_scan(1, now);
  EXPECT_TRUE(store->sweep(10, now));
  EXPECT_EQ(store->stats().ended_waiting, 20u);
  see(Seen(200));
  store->end_scan(1, true, now);
  sweep();
  EXPECT_EQ(store->stats().ended_waiting, flows);
  EXPECT_FALSE(find(Seen(200))->ended);
  EXPECT_FALSE(store->sweep(10, now)) << "nothing left to judge";
  EXPECT_FALSE(store->sweep_wanted());
  store->forget_zone(7, now);
  EXPECT_TRUE(store->sweep_wanted());
}

TEST_F(StoreScanTest, ASweepMissesNoFlowWhenNewOnesComeBetweenItsSlices) {
  for (std::uint8_t i = 0; i < 10; ++i) see(Seen(i));
  scan(1, {});
  store->begin_scan(1, now);
  for (std::uint8_t i = 5; i < 10; ++i) see(Seen(i));
  store->end_scan(1, true, now);
  for (std::uint8_t i = 10; store->sweep(3, now); ++i) see(Seen(i).in(2));
  EXPECT_EQ(store->stats().ended, 5u);
  store->begin_scan(1, now);
  store->end_scan(1, true, now);
  store->sweep(3, now);
  store->begin_scan(1, now);
  store->end_scan(1, true, now);
  for (std::uint8_t i = 50; store->sweep(3, now); ++i) see(Seen(i).in(2));
  EXPECT_EQ(store->stats().ended, 10u);
}

TEST_F(StoreScanTest, AnEmptyStoreHasNothingToSweep) {
  EXPECT_FALSE(store->sweep(10, now));
  scan(1, {});
  EXPECT_FALSE(store->sweep(10, now));
}

// --- zones no longer watched ---

TEST_F(StoreScanTest, AForgottenZoneEndsWhatOnlyItKeptAlive) {
  see(Seen(1).in(1).started(after_store).counting(1));
  see(Seen(2).in(2));
  see(Seen(3).in(1));
  see(Seen(3).in(2));
  store->forget_zone(1, now);
  sweep();
  EXPECT_TRUE(find(Seen(1))->ended);
  EXPECT_FALSE(find(Seen(2))->ended);
  EXPECT_FALSE(find(Seen(3))->ended);
  const Record last = export_one();
  EXPECT_EQ(last.reason, EndReason::forced_end);
  EXPECT_EQ(last.delta, packets(1));
}

TEST_F(StoreScanTest, AForgottenZonesFlowsEndASliceAtATime) {
  for (std::uint8_t i = 0; i < 40; ++i) see(Seen(i).with_id(i + 1u));
  store->forget_zone(1, now);
  EXPECT_EQ(store->stats().ended, 0u);
  EXPECT_TRUE(store->sweep(10, now));
  EXPECT_EQ(store->stats().ended, 10u);
  see(Seen(30).with_id(31));
  sweep();
  EXPECT_EQ(store->stats().ended, 39u) << "one was seen again, as the zone is watched again";
  EXPECT_FALSE(find(Seen(30))->ended);
}

TEST_F(StoreScanTest, WhatIsForgottenAndNotSweptYetIsAsIfItWereAbsent) {
  see(Seen(1).with_id(1).counting(10));
  see(Seen(2).counting(10));
  see(Seen(3).in(2));
  see(Seen(3).in(1));
  store->forget_zone(1, now);
  store->forget_zone(2, now);
  EXPECT_EQ(see(Seen(1).with_id(1).counting(12)), ObserveResult::updated) << "the same id";
  EXPECT_EQ(find(Seen(1))->pending, packets(2));
  EXPECT_EQ(see(Seen(2).counting(12)), ObserveResult::restarted) << "nothing tells that it is the same";
  EXPECT_EQ(find(Seen(2))->pending, Counters{});
  EXPECT_EQ(see(Seen(3).in(3)), ObserveResult::restarted);
}

TEST_F(StoreScanTest, WhatWasSeenBeforeAZoneWasForgottenIsNotBornAgain) {
  pass(10'000);
  see(Seen(1).started(after_store).counting(10));
  store->forget_zone(1, now);
  sweep();
  export_due();
  pass(10'000);
  see(Seen(1).started(after_store).counting(12));
  EXPECT_EQ(find(Seen(1))->pending, Counters{});
  see(Seen(2).started(now.wall_ms).counting(3));
  EXPECT_EQ(find(Seen(2))->pending, packets(3));
}

TEST_F(StoreScanTest, ScansOfAForgottenZoneDoNotCountWhenItIsWatchedAgain) {
  scan(1, {});
  store->forget_zone(1, now);
  sweep();
  see(Seen());
  scan(1, {});
  EXPECT_FALSE(find(Seen())->birth_seen);
  EXPECT_FALSE(find(Seen())->ended);
  scan(1, {});
  EXPECT_TRUE(find(Seen())->ended);
}

}  // namespace
}  // namespace flowstore
