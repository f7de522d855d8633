#include "flowstore/deadlines.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace flowstore {
namespace {

TEST(Deadlines, ComeOutEarliestFirst) {
  Deadlines deadlines;
  for (std::uint32_t slot = 0; slot < 100; ++slot) deadlines.set(slot, (slot * 37) % 100);
  for (std::int64_t due = 0; due < 100; ++due) {
    ASSERT_FALSE(deadlines.empty());
    EXPECT_EQ(deadlines.top().due_ms, due);
    deadlines.erase(deadlines.top().slot);
  }
  EXPECT_TRUE(deadlines.empty());
}

TEST(Deadlines, ASlotHasOneEntryThatMoves) {
  Deadlines deadlines;
  deadlines.set(5, 10);
  deadlines.set(6, 20);
  deadlines.set(5, 30);
  EXPECT_EQ(deadlines.top().slot, 6u);
  deadlines.set(5, 1);
  EXPECT_EQ(deadlines.top().slot, 5u);
  EXPECT_EQ(deadlines.due_ms(5), 1);
  deadlines.erase(5);
  EXPECT_EQ(deadlines.due_ms(5), std::nullopt);
  deadlines.erase(6);
  EXPECT_TRUE(deadlines.empty());
}

TEST(Deadlines, ErasingASlotThatHasNoneChangesNothing) {
  Deadlines deadlines;
  deadlines.erase(3);
  deadlines.set(1, 10);
  deadlines.erase(0);
  deadlines.erase(99);
  EXPECT_EQ(deadlines.top().slot, 1u);
}

TEST(Deadlines, AgreeWithASortedMapUnderRandomMoves) {
  std::mt19937 random(20241122);
  Deadlines deadlines;
  std::map<std::uint32_t, std::int64_t> model;
  for (int step = 0; step < 20'000; ++step) {
    const std::uint32_t slot = random() % 200;
    if (random() % 3 == 0) {
      deadlines.erase(slot);
      model.erase(slot);
    } else {
      const std::int64_t due = random() % 1000;
      deadlines.set(slot, due);
      model[slot] = due;
    }
    ASSERT_EQ(deadlines.empty(), model.empty()) << "step " << step;
    if (model.empty()) continue;
    std::int64_t earliest = INT64_MAX;
    for (const auto& [of, due] : model) earliest = std::min(earliest, due);
    ASSERT_EQ(deadlines.top().due_ms, earliest) << "step " << step;
    ASSERT_EQ(model.at(deadlines.top().slot), earliest) << "step " << step;
  }
}

}  // namespace
}  // namespace flowstore
