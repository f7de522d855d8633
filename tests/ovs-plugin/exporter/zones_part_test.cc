#include "ovs-plugin/exporter/zones_part.h"

#include <gtest/gtest.h>

#include "ovs-plugin/exporter/bounded_cost.h"
#include "ovs-plugin/exporter/zone_entries.h"

namespace ofe {
namespace {

TEST(RulesIntervalTest, TwoPollsOrOnePercentOfTheTime) {
  EXPECT_EQ(rules_interval_ms(5'000, 3), 10'000);
  EXPECT_EQ(rules_interval_ms(5'000, 300), 30'000);
  EXPECT_EQ(rules_interval_ms(5'000, 60'000), 600'000) << "at last after ten minutes";
}

TEST(BoundedCostTest, WhatWasWaitedForABusyOneIsNotItsWork) {
  const QuestionTimes quick{1'000, 1'003, 1'004}, stalled{1'000, 18'000, 18'000};
  EXPECT_EQ(bounded_cost_ms(quick, 1'500), question_cost_ms(quick));
  EXPECT_EQ(bounded_cost_ms(stalled, 16), 5);
  EXPECT_EQ(bounded_cost_ms(stalled, 20'000), 405);
}

TEST(ZoneEntriesTest, TheLastCompleteScanCounts) {
  ZoneEntries entries;
  EXPECT_EQ(entries.last(5).wall_ms, 0);
  entries.begin(5);
  entries.add(5);
  entries.add(5);
  entries.add(6);
  entries.end(5, 77);
  EXPECT_EQ(entries.last(5).entries, 2u);
  EXPECT_EQ(entries.last(5).wall_ms, 77);
  entries.begin(5);  // failed: never ended
  entries.add(5);
  EXPECT_EQ(entries.last(5).entries, 2u);
  entries.begin(5);
  entries.end(5, 78);
  EXPECT_EQ(entries.last(5).entries, 0u);
}

}  // namespace
}  // namespace ofe
