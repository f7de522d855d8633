#include "k8s-bridge/watcher/backoff.h"

#include <gtest/gtest.h>

#include <set>

namespace ofe::watcher {
namespace {

TEST(Backoff, DoublesWithinItsBoundsAndStartsOverOnSuccess) {
  Backoff backoff(1000, 6000, 7);
  for (const std::int64_t step : {1000, 2000, 4000, 6000, 6000}) {
    const std::int64_t wait = backoff.next_ms();
    EXPECT_GE(wait, step / 2);
    EXPECT_LE(wait, step);
  }
  backoff.reset();
  EXPECT_LE(backoff.next_ms(), 1000);
}

TEST(Backoff, SeedsSpreadNodesAndRepeatTests) {
  std::set<std::int64_t> first_waits;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Backoff one(10'000, 10'000, seed), same(10'000, 10'000, seed);
    const std::int64_t wait = one.next_ms();
    EXPECT_EQ(wait, same.next_ms());
    first_waits.insert(wait);
  }
  EXPECT_GT(first_waits.size(), 40u);
}

}  // namespace
}  // namespace ofe::watcher
