#include "flowstore/flow_arena.h"

#include <gtest/gtest.h>

namespace flowstore {
namespace {

TEST(FlowArena, SlotsStayWhereTheyAreWhileItGrows) {
  FlowArena arena;
  const std::uint32_t first = arena.take();
  const Slot* const address = &arena[first];
  arena[first].flow.id = 42;
  for (int i = 0; i < 5'000; ++i) arena.take();
  EXPECT_EQ(&arena[first], address);
  EXPECT_EQ(arena[first].flow.id, 42u);
  EXPECT_EQ(arena.slots(), 5'001u);
}

TEST(FlowArena, AFreedSlotIsTakenAgainAndIsLikeNew) {
  FlowArena arena;
  arena.take();
  const std::uint32_t freed = arena.take();
  arena.take();
  arena[freed].flow.id = 42;
  arena[freed].flush = true;
  arena.give_back(freed);
  EXPECT_FALSE(arena[freed].in_use);
  EXPECT_EQ(arena.take(), freed);
  EXPECT_TRUE(arena[freed].in_use);
  EXPECT_FALSE(arena[freed].flush);
  EXPECT_EQ(arena[freed].flow.id, 0u);
  EXPECT_EQ(arena.slots(), 3u);
}

}  // namespace
}  // namespace flowstore
