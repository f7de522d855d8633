// The wall clock is set, forward or back; the monotonic one goes on.
#include <functional>

#include "store_fixture.h"

namespace flowstore {
namespace {

constexpr std::int64_t hour_ms = 3'600'000;

class StoreClockTest : public StoreTest {
 protected:
  void set_clock(std::int64_t ms) { now.wall_ms += ms; }
};

TEST_F(StoreClockTest, AFlowNeverEndsBeforeItStarts) {
  const struct {
    const char* story;
    std::function<void()> sight;
  } cases[] = {
      {"an observation", [this] { see(Seen().with_id(1)); }},
      {"an observation in another zone", [this] { see(Seen().with_id(1).in(2)); }},
      {"a DESTROY event", [this] { destroy(Seen().with_id(1)); }},
      {"a DESTROY event with a stop time", [this] { destroy(Seen().with_id(1).stopped(now.wall_ms)); }},
      {"a DESTROY event of another zone", [this] { destroy(Seen().with_id(1).in(2)); }},
  };
  for (const auto& c : cases) {
    restart({});
    see(Seen().with_id(1).started(now.wall_ms));
    const std::int64_t start = now.wall_ms;
    set_clock(-hour_ms);
    c.sight();
    EXPECT_EQ(find(Seen())->start_wall_ms, start) << c.story;
    EXPECT_EQ(find(Seen())->last_wall_ms, start) << c.story;
  }
}

TEST_F(StoreClockTest, AConnectionOfAClockThatWasAheadEndsWhenItStartsUntilTheClockHasPassedIt) {
  const std::int64_t start = now.wall_ms + 5'000;
  see(Seen().started(start));
  EXPECT_EQ(find(Seen())->last_wall_ms, start);
  pass(6'000);
  see(Seen().started(start));
  EXPECT_EQ(find(Seen())->last_wall_ms, now.wall_ms);
}

TEST_F(StoreClockTest, AShortConnectionSeenOnlyByItsEndAcrossAStepEndsWhenItStarts) {
  const std::int64_t start = now.wall_ms;
  set_clock(-hour_ms);
  destroy(Seen().started(start).stopped(now.wall_ms).counting(3));
  EXPECT_EQ(export_one().flow.last_wall_ms, start);
}

TEST_F(StoreClockTest, WhatIsBornAfterTheClockWasSetBackIsCountedFromItsFirstPacket) {
  scan(1, {});
  set_clock(-hour_ms);
  pass(1'000);
  scan(1, {Seen().started(now.wall_ms - 500).counting(4)});
  EXPECT_TRUE(find(Seen())->birth_seen);
  EXPECT_EQ(find(Seen())->pending, packets(4));
}

TEST_F(StoreClockTest, WhatBeganUnderAClockThatWasAheadIsNotCountedAgainAfterARestart) {
  scan(1, {Seen().started(now.wall_ms + hour_ms).counting(100)});
  EXPECT_FALSE(find(Seen())->birth_seen);
  pass(1'000);
  scan(1, {Seen().started(now.wall_ms - 1'000 + hour_ms).counting(103)});
  EXPECT_EQ(find(Seen())->pending, packets(3));
}

TEST_F(StoreClockTest, DeadlinesEndsAndDeltasKnowNothingOfTheWallClock) {
  restart({}, {active_ms, 2 * active_ms});
  const std::int64_t start = now.wall_ms;
  scan(1, {Seen().started(start).counting(1)});
  std::uint64_t counted = 1;
  for (const std::int64_t step_ms : {-hour_ms, hour_ms, hour_ms}) {
    set_clock(step_ms);
    EXPECT_EQ(due_in(), active_ms);
    EXPECT_TRUE(export_due().empty());
    pass(active_ms);
    scan(1, {Seen().started(start).counting(++counted)});
    const Record record = export_one();
    EXPECT_EQ(record.reason, EndReason::active_timeout);
    EXPECT_EQ(record.delta, packets(counted == 2 ? 2 : 1));
    EXPECT_LE(record.flow.start_wall_ms, record.flow.last_wall_ms);
  }
  EXPECT_EQ(store->stats().created, 1u);
  EXPECT_EQ(store->stats().ended, 0u);
}

}  // namespace
}  // namespace flowstore
