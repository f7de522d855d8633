#include "ipfix/reconnect_schedule.h"

#include <gtest/gtest.h>

#include <vector>

namespace ipfix {
namespace {

TEST(ReconnectSchedule, DoublesUpToTheMaximum) {
  ReconnectSchedule schedule(1'000, 60'000);
  std::vector<std::int64_t> waits;
  for (int i = 0; i < 8; ++i) waits.push_back(schedule.next_attempt_ms(500, 0) - 500);
  EXPECT_EQ(waits, (std::vector<std::int64_t>{1'000, 2'000, 4'000, 8'000, 16'000, 32'000, 60'000, 60'000}));
}

TEST(ReconnectSchedule, StartsOverAfterASessionThatLived) {
  ReconnectSchedule schedule(1'000, 60'000);
  for (int i = 0; i < 5; ++i) schedule.next_attempt_ms(0, 0);
  EXPECT_EQ(schedule.next_attempt_ms(0, 999), 32'000);
  EXPECT_EQ(schedule.next_attempt_ms(0, 1'000), 1'000);
  EXPECT_EQ(schedule.next_attempt_ms(0, 0), 2'000);
}

TEST(ReconnectSchedule, NeverTriesWithoutAWait) {
  ReconnectSchedule schedule(0, -5);
  EXPECT_EQ(schedule.next_attempt_ms(10, 0), 11);
  EXPECT_EQ(schedule.next_attempt_ms(10, 0), 11);
}

}  // namespace
}  // namespace ipfix
