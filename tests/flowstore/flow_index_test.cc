#include "flowstore/flow_index.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace flowstore {
namespace {

// The index looks at the upper half of a hash only.
std::uint64_t hash_with(std::uint32_t upper) {
  return std::uint64_t{upper} << 32;
}

auto is(std::uint32_t wanted) {
  return [wanted](std::uint32_t slot) { return slot == wanted; };
}

TEST(FlowIndex, AsksForTheKeyWhenHashesAgree) {
  FlowIndex index;
  index.insert(hash_with(77), 1);
  index.insert(hash_with(77), 2);
  EXPECT_EQ(index.find(hash_with(77), is(1)), 1u);
  EXPECT_EQ(index.find(hash_with(77), is(2)), 2u);
  EXPECT_EQ(index.find(hash_with(77), is(3)), FlowIndex::none);
  EXPECT_EQ(index.find(hash_with(78), is(1)), FlowIndex::none);
  index.erase(hash_with(77), 1);
  EXPECT_EQ(index.find(hash_with(77), is(1)), FlowIndex::none);
  EXPECT_EQ(index.find(hash_with(77), is(2)), 2u);
}

TEST(FlowIndex, ARunThatWrapsAroundTheEndSurvivesErasing) {
  FlowIndex index;
  for (std::uint32_t slot = 0; slot < 8; ++slot) index.insert(hash_with(UINT32_MAX - slot % 2), slot);
  for (std::uint32_t slot = 0; slot < 4; ++slot) index.insert(hash_with(slot), 100 + slot);
  for (std::uint32_t slot = 0; slot < 8; slot += 3) index.erase(hash_with(UINT32_MAX - slot % 2), slot);
  for (std::uint32_t slot = 0; slot < 8; ++slot) {
    EXPECT_EQ(index.find(hash_with(UINT32_MAX - slot % 2), is(slot)), slot % 3 == 0 ? FlowIndex::none : slot);
  }
  for (std::uint32_t slot = 0; slot < 4; ++slot) EXPECT_EQ(index.find(hash_with(slot), is(100 + slot)), 100 + slot);
}

TEST(FlowIndex, GrowsWithoutLosingAnything) {
  FlowIndex index;
  const auto spread = [](std::uint32_t slot) { return hash_with(slot * 2'654'435'761u); };
  for (std::uint32_t slot = 0; slot < 10'000; ++slot) index.insert(spread(slot), slot);
  EXPECT_EQ(index.size(), 10'000u);
  for (std::uint32_t slot = 0; slot < 10'000; ++slot) ASSERT_EQ(index.find(spread(slot), is(slot)), slot);
}

TEST(FlowIndex, AgreesWithAMapUnderRandomInsertsAndErases) {
  std::mt19937 random(20241122);
  FlowIndex index;
  std::map<std::uint32_t, std::uint64_t> model;
  const std::uint32_t homes[] = {0, 1u << 22, 2u << 22, 511u << 22, 1022u << 22, 1023u << 22};
  for (int step = 0; step < 50'000; ++step) {
    const std::uint32_t slot = random() % 300;
    const auto known = model.find(slot);
    if (known != model.end()) {
      index.erase(known->second, slot);
      model.erase(known);
    } else {
      const std::uint64_t hash = hash_with(homes[random() % 6] + random() % 3);
      index.insert(hash, slot);
      model.emplace(slot, hash);
    }
    const std::uint32_t probe = random() % 300;
    const auto expected = model.find(probe);
    const std::uint64_t hash = expected == model.end() ? hash_with(homes[random() % 6]) : expected->second;
    ASSERT_EQ(index.find(hash, is(probe)), expected == model.end() ? FlowIndex::none : probe) << "step " << step;
    ASSERT_EQ(index.size(), model.size());
  }
}

}  // namespace
}  // namespace flowstore
