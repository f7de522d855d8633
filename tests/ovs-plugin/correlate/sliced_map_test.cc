#include "ovs-plugin/correlate/sliced_map.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <random>

namespace ofe::correlate {
namespace {

TEST(SlicedMap, WalksInSlices) {
  SlicedMap<int, int> map;
  for (int i = 0; i < 10'000; ++i) map[i] = i;
  std::size_t next = 0, calls = 0, looked_at = 0;
  const auto odd = [&](int value) { return ++looked_at, value % 2 == 1; };
  bool more = true;
  for (std::size_t before = 0; more; before = looked_at, ++calls) {
    more = map.update_some(next, 500, odd);
    EXPECT_LT(looked_at - before, 700u) << "500 and what is left of a slice of about 40";
  }
  EXPECT_EQ(looked_at, 10'000u);
  EXPECT_GT(calls, 10u);
  EXPECT_EQ(next, 0u);
  EXPECT_EQ(map.size(), 5'000u);
  EXPECT_EQ(map.find(1), nullptr);
  ASSERT_NE(map.find(2), nullptr);
  EXPECT_EQ(*map.find(2), 2);
}

TEST(SlicedMap, AgainstAnOrdinaryMap) {
  std::mt19937 random(1);
  SlicedMap<std::uint64_t, int> map;
  std::map<std::uint64_t, int> model;
  std::size_t next = 0;
  for (int i = 0; i < 100'000; ++i) {
    const std::uint64_t key = random() % 3'000;
    switch (random() % 4) {
      case 0:
        map.erase(key);
        model.erase(key);
        break;
      case 1:
        ASSERT_EQ(map.find(key) != nullptr, model.contains(key));
        break;
      default:
        map[key] = model[key] = i;
    }
    if (i % 10'000 == 0) {
      const auto old = [i](int value) { return value < i - 1'000; };
      while (map.update_some(next, 100, old)) {
      }
      std::erase_if(model, [&](const auto& entry) { return old(entry.second); });
    }
    ASSERT_EQ(map.size(), model.size());
  }
  for (const auto& [key, value] : model) ASSERT_EQ(*map.find(key), value);
}

}  // namespace
}  // namespace ofe::correlate
