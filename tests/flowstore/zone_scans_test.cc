#include "flowstore/zone_scans.h"

#include <gtest/gtest.h>

namespace flowstore {
namespace {

constexpr std::uint16_t zone = 5;

// b: a scan begins, c: it completes, f: it fails, s: the entry is seen, n: forget the zone.
bool absent_after(const char* steps) {
  ZoneScans scans(0);
  std::uint32_t mark = 0;
  for (const char* step = steps; *step; ++step) {
    switch (*step) {
      case 'b':
        scans.begin(zone);
        break;
      case 'c':
        scans.end(zone, true);
        break;
      case 'f':
        scans.end(zone, false);
        break;
      case 's':
        mark = scans.mark(zone);
        break;
      case 'n':
        scans.forget(zone, 0);
        break;
      default:
        ADD_FAILURE() << *step;
    }
  }
  return scans.absent(zone, mark);
}

TEST(ZoneScans, AbsentMeansTwoCompleteScansBegunSinceTheEntryWasSeen) {
  const struct {
    const char* story;
    const char* steps;
    bool absent;
  } cases[] = {
      {"no scan at all", "s", false},
      {"one complete scan without it", "sbc", false},
      {"two complete scans without it", "sbcbc", true},
      {"first seen while the first scan ran", "bscbc", false},
      {"first seen while the first scan ran, then two without it", "bscbcbc", true},
      {"seen in every scan", "bscbscbsc", false},
      {"seen between the two", "sbcsbc", false},
      {"seen within the second", "sbcbsc", false},
      {"a failed scan does not count", "sbcbf", false},
      {"a failed scan does not break the row", "sbcbfbc", true},
      {"failed scans only", "sbfbfbf", false},
      {"an abandoned scan does not count", "sbbc", false},
      {"an abandoned scan does not break the row", "sbcbbc", true},
      {"an end without a beginning does not count", "sccc", false},
      {"seen in a failed scan starts the row afresh", "sbcbsfbc", false},
      {"scans of a zone forgotten meanwhile", "sbcnbc", false},
  };
  for (const auto& c : cases) EXPECT_EQ(absent_after(c.steps), c.absent) << c.story;
}

TEST(ZoneScans, ZonesAreJudgedApart) {
  ZoneScans scans(0);
  const std::uint32_t mark = scans.mark(1);
  for (int i = 0; i < 2; ++i) {
    scans.begin(2);
    EXPECT_TRUE(scans.end(2, true));
  }
  EXPECT_FALSE(scans.absent(1, mark));
  EXPECT_TRUE(scans.absent(2, 0));
}

TEST(ZoneScans, BirthIsSeenByStartTimeOrElseByAnEarlierCompleteScan) {
  ZoneScans scans(1000);
  EXPECT_FALSE(scans.birth_seen(zone, 999));
  EXPECT_TRUE(scans.birth_seen(zone, 1000));
  EXPECT_FALSE(scans.birth_seen(zone, 0));
  scans.begin(zone);
  EXPECT_FALSE(scans.birth_seen(zone, 0)) << "within the first scan";
  scans.end(zone, false);
  EXPECT_FALSE(scans.birth_seen(zone, 0)) << "after a scan that failed";
  scans.begin(zone);
  scans.end(zone, true);
  EXPECT_TRUE(scans.birth_seen(zone, 0));
  EXPECT_FALSE(scans.birth_seen(zone + 1, 0)) << "another zone's scan";
  EXPECT_FALSE(scans.birth_seen(zone, 999)) << "a start time tells better than scans";
}

TEST(ZoneScans, AfterForgettingOnlyWhatBeganLaterIsBornUnderOurEyes) {
  ZoneScans scans(1000);
  scans.begin(zone);
  scans.end(zone, true);
  scans.forget(zone, 5000);
  EXPECT_FALSE(scans.birth_seen(zone, 0));
  EXPECT_FALSE(scans.birth_seen(zone, 5000));
  EXPECT_TRUE(scans.birth_seen(zone, 5001));
  EXPECT_TRUE(scans.birth_seen(zone + 1, 1000));
}

}  // namespace
}  // namespace flowstore
