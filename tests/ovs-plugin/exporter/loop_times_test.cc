#include "ovs-plugin/exporter/loop_times.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace ofe {
namespace {

TEST(LoopTimes, QuantilesAreRoundedUpByAnEighthAtMost) {
  for (const std::int64_t us :
       std::vector<std::int64_t>{0, 1, 7, 8, 9, 15, 16, 100, 1'000, 19'999, 20'000, 400'000, 3'000'000'000}) {
    LoopTimes times;
    for (int i = 0; i < 999; ++i) times.add(us);
    times.add(1'000'000'000'000);
    const std::int64_t shown = times.quantile_us(0.999);
    EXPECT_GE(shown, us);
    EXPECT_LE(static_cast<double>(shown), std::max(1.0, static_cast<double>(us)) * 1.125);
    EXPECT_EQ(times.longest_us(), 1'000'000'000'000);
  }
}

TEST(LoopTimes, AQuantileCountsTurns) {
  LoopTimes times;
  EXPECT_EQ(times.quantile_us(0.5), 0);
  for (std::int64_t us = 1; us <= 1'000; ++us) times.add(us);
  EXPECT_EQ(times.turns(), 1'000u);
  EXPECT_NEAR(static_cast<double>(times.quantile_us(0.5)), 500, 64);
  EXPECT_NEAR(static_cast<double>(times.quantile_us(0.99)), 990, 64);
  EXPECT_EQ(times.quantile_us(1), 1'000);
  times.add(-5);
  EXPECT_EQ(times.turns(), 1'001u);
}

}  // namespace
}  // namespace ofe
