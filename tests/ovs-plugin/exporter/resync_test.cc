#include "ovs-plugin/exporter/resync.h"

#include <gtest/gtest.h>

namespace ofe {
namespace {

constexpr std::int64_t interval_ms = 5'000;

TEST(Resync, TwoPollsThatBeganAfterTheLossMakeEverythingRight) {
  Resync resync;
  EXPECT_FALSE(resync.due_ms());
  resync.poll_begins();
  EXPECT_FALSE(resync.poll_completed());

  resync.poll_begins();
  resync.lost(1'000, interval_ms);
  EXPECT_EQ(resync.due_ms(), 1'000);
  EXPECT_FALSE(resync.poll_completed()) << "it began before the loss";
  resync.poll_begins();
  EXPECT_FALSE(resync.poll_completed());
  EXPECT_EQ(resync.due_ms(), 1'000) << "the second at once";
  resync.poll_begins();
  EXPECT_TRUE(resync.poll_completed());
  EXPECT_FALSE(resync.due_ms());
  EXPECT_EQ(resync.stats().completed, 1u);
}

TEST(Resync, ALossMeanwhileBeginsItAnew) {
  Resync resync;
  resync.lost(1'000, interval_ms);
  resync.poll_begins();
  EXPECT_FALSE(resync.poll_completed());
  resync.poll_begins();
  resync.lost(2'000, interval_ms);
  EXPECT_FALSE(resync.poll_completed());
  EXPECT_TRUE(resync.stats().under_way);
}

TEST(Resync, WhoLosesAllTheTimeIsReadOnceAnInterval) {
  Resync resync;
  resync.lost(1'000, interval_ms);
  for (int poll = 0; poll < 2; ++poll) {
    resync.poll_begins();
    resync.poll_completed();
  }
  resync.lost(2'000, interval_ms);
  EXPECT_EQ(resync.due_ms(), 6'000);
}

}  // namespace
}  // namespace ofe
