#include "ovs-plugin/zones/watch_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ofe::zones {
namespace {

using testing::ElementsAre;

constexpr std::int64_t hold_ms = 30'000;

Resolution reading(const std::vector<std::uint16_t>& zones) {
  Resolution made;
  for (const std::uint16_t zone : zones) add_reason(made.zones[zone], "rule: table 1 cookie 0x1");
  return made;
}

struct WatchListTest : testing::Test {
  bool follow(const std::vector<std::uint16_t>& zones, bool complete = true) {
    return list.follow(reading(zones), complete, hold_ms, {at_ms, 1'000'000 + at_ms});
  }
  void expect(const std::vector<std::uint16_t>& zones) { EXPECT_EQ(list.numbers(), zones); }

  WatchList list;
  std::int64_t at_ms = 5'000;
};

TEST_F(WatchListTest, AZoneEntersAtOnce) {
  EXPECT_TRUE(follow({65520}));
  EXPECT_FALSE(follow({65520}));
  EXPECT_TRUE(follow({65520, 7}));
  expect({7, 65520});
  EXPECT_EQ(list.zones().at(7).since_wall_ms, 1'000'000 + at_ms);
}

TEST_F(WatchListTest, AZoneLeavesWhenTwoReadingsAgreeAndTimeHasGoneBy) {
  follow({65520, 7});
  EXPECT_FALSE(follow({7}));
  at_ms += hold_ms - 1;
  EXPECT_FALSE(follow({7})) << "two readings, too soon";
  expect({7, 65520});
  at_ms += 1;
  EXPECT_TRUE(follow({7}));
  expect({7});
}

TEST_F(WatchListTest, OneReadingHoweverLateIsNotEnough) {
  follow({65520, 7});
  at_ms += 10 * hold_ms;
  EXPECT_FALSE(follow({7}));
  expect({7, 65520});
}

// An agent that starts again puts its rules in anew, some before others.
TEST_F(WatchListTest, AZoneThatComesBackHasNeverBeenAway) {
  follow({65520, 65510});
  follow({65520});
  at_ms += hold_ms;
  EXPECT_FALSE(follow({65520, 65510}));
  at_ms += hold_ms;
  EXPECT_FALSE(follow({65520}));
  expect({65510, 65520});
}

TEST_F(WatchListTest, ABridgeWithoutRulesTakesNothingOut) {
  follow({65520});
  for (int i = 0; i < 5; ++i, at_ms += hold_ms) EXPECT_FALSE(follow({}));
  expect({65520});
}

TEST_F(WatchListTest, AReadingThatWasNotCompleteAddsAndTakesNothingOut) {
  follow({65520});
  for (int i = 0; i < 5; ++i, at_ms += hold_ms) follow({9}, false);
  expect({9, 65520});
}

}  // namespace
}  // namespace ofe::zones
