#include "flowstore/counting.h"

#include <gtest/gtest.h>

namespace flowstore {
namespace {

TEST(Counting, AddsGrowthAndTakesAStepBackOfAnyFieldAsANewBaseline) {
  constexpr std::uint64_t huge = UINT64_MAX;
  const Counters before{10, 1000, 20, 2000};
  const Counters pending{1, 2, 3, 4};
  const struct {
    const char* story;
    Counters seen, pending;
    CountChange change;
  } cases[] = {
      {"nothing new", before, pending, CountChange::none},
      {"all grow", {11, 1100, 22, 2300}, {2, 102, 5, 304}, CountChange::grew},
      {"one direction grows", {10, 1000, 21, 2001}, {1, 2, 4, 5}, CountChange::grew},
      {"packets step back while the rest grows", {9, 1100, 22, 2300}, pending, CountChange::stepped_back},
      {"octets step back", {11, 999, 22, 2300}, pending, CountChange::stepped_back},
      {"reverse packets step back", {11, 1100, 19, 2300}, pending, CountChange::stepped_back},
      {"reverse octets step back", {11, 1100, 22, 1999}, pending, CountChange::stepped_back},
      {"zeroed", {}, pending, CountChange::stepped_back},
      {"as large as can be",
       {huge, huge, huge, huge},
       {huge - 9, huge - 998, huge - 17, huge - 1996},
       CountChange::grew},
  };
  for (const auto& c : cases) {
    Flow flow;
    flow.total = before;
    flow.pending = pending;
    EXPECT_EQ(count(flow, c.seen), c.change) << c.story;
    EXPECT_EQ(flow.total, c.seen) << c.story;
    EXPECT_EQ(flow.pending, c.pending) << c.story;
  }
}

}  // namespace
}  // namespace flowstore
