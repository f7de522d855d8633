#include "flowstore/recent_ends.h"

#include <gtest/gtest.h>

namespace flowstore {
namespace {

constexpr std::uint16_t zone = 3;
constexpr std::uint64_t key = 0x1234;

RecentEnds::End end_with(EntryMarks marks, std::uint64_t packets = 0) {
  return {marks, Counters{packets, 0, 0, 0}, Statistics::exact, true};
}

TEST(RecentEnds, KnowsAnEndUntilTheScanIsOver) {
  RecentEnds ends(10);
  ends.begin_scan(zone);
  EXPECT_TRUE(ends.remember(zone, key, end_with({7, 500}, 42)));
  ASSERT_NE(ends.find(zone, key, {7, 500}), nullptr);
  EXPECT_EQ(ends.find(zone, key, {7, 0})->total.packets, 42u);
  EXPECT_EQ(ends.find(zone, key, {8, 500}), nullptr) << "another id";
  EXPECT_EQ(ends.find(zone, key, {7, 501}), nullptr) << "the id was given again";
  EXPECT_EQ(ends.find(zone, key, {0, 500}), nullptr) << "no id to know it by";
  EXPECT_EQ(ends.find(zone, key + 1, {7, 500}), nullptr) << "another key";
  EXPECT_EQ(ends.find(zone + 1, key, {7, 500}), nullptr) << "another zone";
  ends.end_scan(zone);
  EXPECT_EQ(ends.find(zone, key, {7, 500}), nullptr);
}

TEST(RecentEnds, KnowsEveryConnectionThatHadAnIdThatWasGivenAgain) {
  RecentEnds ends(2);
  ends.begin_scan(zone);
  EXPECT_TRUE(ends.remember(zone, key, end_with({7, 500}, 42)));
  EXPECT_TRUE(ends.remember(zone, key, end_with({7, 600}, 43)));
  EXPECT_FALSE(ends.remember(zone, key, end_with({7, 700}, 44)));
  EXPECT_TRUE(ends.remember(zone, key, end_with({7, 600}, 45)));
  EXPECT_EQ(ends.find(zone, key, {7, 500})->total.packets, 42u);
  EXPECT_EQ(ends.find(zone, key, {7, 600})->total.packets, 45u);
  EXPECT_EQ(ends.find(zone, key, {7, 700}), nullptr);
  ends.end_scan(zone);
  ends.begin_scan(zone);
  EXPECT_TRUE(ends.remember(zone, key, end_with({7, 700})));
  EXPECT_TRUE(ends.remember(zone, key, end_with({7, 800}))) << "the end of the scan gave both places back";
}

TEST(RecentEnds, KeepsNothingWhenNoScanRunsOrTheEntryHasNoId) {
  RecentEnds ends(10);
  EXPECT_TRUE(ends.remember(zone, key, end_with({7, 500})));
  EXPECT_EQ(ends.find(zone, key, {7, 500}), nullptr);
  ends.begin_scan(zone);
  EXPECT_TRUE(ends.remember(zone, key, end_with({0, 500})));
  EXPECT_EQ(ends.find(zone, key, {0, 500}), nullptr);
}

TEST(RecentEnds, IsBoundedOverAllZonesAndFreedByTheEndOfAScan) {
  RecentEnds ends(3);
  ends.begin_scan(1);
  ends.begin_scan(2);
  EXPECT_TRUE(ends.remember(1, key, end_with({1, 0})));
  EXPECT_TRUE(ends.remember(1, key, end_with({2, 0})));
  EXPECT_TRUE(ends.remember(2, key, end_with({3, 0})));
  EXPECT_FALSE(ends.remember(2, key, end_with({4, 0})));
  EXPECT_TRUE(ends.remember(2, key, end_with({3, 0}, 5))) << "known already: no more room needed";
  ends.end_scan(1);
  EXPECT_TRUE(ends.remember(2, key, end_with({4, 0})));
  ends.begin_scan(2);
  EXPECT_EQ(ends.find(2, key, {4, 0}), nullptr) << "a scan begun anew starts from nothing";
}

}  // namespace
}  // namespace flowstore
