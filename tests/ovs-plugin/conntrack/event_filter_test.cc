// What the program looks like; that the kernel runs it as meant is event_source_test.cc's.
#include "ovs-plugin/conntrack/event_filter.h"

#include <gtest/gtest.h>
#include <linux/bpf_common.h>

#include <algorithm>

namespace ofe::conntrack {
namespace {

std::size_t comparisons(const std::vector<sock_filter>& program) {
  return static_cast<std::size_t>(
      std::ranges::count_if(program, [](const sock_filter& i) { return i.code == (BPF_JMP | BPF_JGE | BPF_K); }));
}

std::vector<std::uint16_t> every_second(std::size_t count) {
  std::vector<std::uint16_t> zones(count);
  for (std::size_t i = 0; i < count; ++i) zones[i] = static_cast<std::uint16_t>(2 * i + 1);
  return zones;
}

TEST(EventFilter, NeighboursAreOneRange) {
  const std::uint16_t zones[] = {9, 3, 1, 2, 4, 65535, 9};
  EXPECT_EQ(comparisons(event_filter(zones, NewEvents::all)), 3u);
}

TEST(EventFilter, ZoneZeroIsNoRange) {
  const std::uint16_t zones[] = {0, 1, 2};
  EXPECT_EQ(comparisons(event_filter(zones, NewEvents::all)), 1u);
  EXPECT_EQ(comparisons(event_filter(std::span(zones).first(1), NewEvents::all)), 0u);
}

TEST(EventFilter, TooManyRangesMeanNoFilter) {
  const auto most = event_filter(every_second(max_filtered_zone_ranges), NewEvents::marked);
  EXPECT_EQ(comparisons(most), max_filtered_zone_ranges);
  EXPECT_LE(most.size(), std::size_t{BPF_MAXINSNS});
  const auto too_many = event_filter(every_second(max_filtered_zone_ranges + 1), NewEvents::all);
  ASSERT_EQ(too_many.size(), 1u);
  EXPECT_EQ(too_many[0].code, BPF_RET | BPF_K);
  EXPECT_NE(too_many[0].k, 0u);
}

}  // namespace
}  // namespace ofe::conntrack
