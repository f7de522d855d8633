#include "ovs-plugin/conntrack/dump_plan.h"

#include <gtest/gtest.h>

namespace ofe::conntrack {
namespace {

constexpr std::uint64_t million = 1'000'000;

TEST(DumpPlan, AZoneAloneThatIsSmallIsAskedFor) {
  EXPECT_FALSE(one_dump_is_cheaper(1, million / 10, {million, million}));
  EXPECT_FALSE(one_dump_is_cheaper(2, million / 10, {million, million}));
}

TEST(DumpPlan, ZonesThatAreMostOfTheTableAreReadTogether) {
  EXPECT_TRUE(one_dump_is_cheaper(2, million, {million, million}));
  EXPECT_TRUE(one_dump_is_cheaper(3, million * 9 / 10, {million, million}));
}

TEST(DumpPlan, ManyZonesAreReadTogetherHoweverSmall) {
  EXPECT_FALSE(one_dump_is_cheaper(5, 0, {million, million / 4}));
  EXPECT_TRUE(one_dump_is_cheaper(12, 0, {million, million / 4}));
}

TEST(DumpPlan, AnEmptyTableIsWalkedOnce) {
  EXPECT_TRUE(one_dump_is_cheaper(2, 0, {0, million / 4}));
  EXPECT_TRUE(one_dump_is_cheaper(1, 0, {0, 0}));
}

}  // namespace
}  // namespace ofe::conntrack
