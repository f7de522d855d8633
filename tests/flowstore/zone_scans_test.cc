#include "flowstore/zone_scans.h"

#include <gtest/gtest.h>

namespace flowstore {
namespace {

constexpr std::uint16_t zone = 5;

// b: a scan begins, c: it completes, f: it fails, s: the entry is seen, n: forget the zone.
bool absent_after(const char* steps) {
  ZoneScans scans(Now{});
  std::uint32_t mark = 0;
  for (const char* step = steps; *step; ++step) {
    switch (*step) {
      case 'b':
        scans.begin(zone, {});
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
        scans.forget(zone, {});
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
  ZoneScans scans(Now{});
  const std::uint32_t mark = scans.mark(1);
  for (int i = 0; i < 2; ++i) {
    scans.begin(2, {});
    EXPECT_TRUE(scans.end(2, true));
  }
  EXPECT_FALSE(scans.absent(1, mark));
  EXPECT_TRUE(scans.absent(2, 0));
}

// A clock that runs evenly, and can be set.
struct Clock : Now {
  Clock& pass(std::int64_t ms) { return monotonic_ms += ms, set(ms); }
  Clock& set(std::int64_t ms) { return wall_ms += ms, *this; }
};

TEST(ZoneScans, BirthIsSeenByStartTimeOrElseByAnEarlierCompleteScan) {
  const Now now{50, 1000};
  ZoneScans scans(now);
  EXPECT_FALSE(scans.birth_seen(zone, 999, now));
  EXPECT_TRUE(scans.birth_seen(zone, 1000, now));
  EXPECT_FALSE(scans.birth_seen(zone, 0, now));
  scans.begin(zone, now);
  EXPECT_FALSE(scans.birth_seen(zone, 0, now)) << "within the first scan";
  scans.end(zone, false);
  EXPECT_FALSE(scans.birth_seen(zone, 0, now)) << "after a scan that failed";
  scans.begin(zone, now);
  scans.end(zone, true);
  EXPECT_TRUE(scans.birth_seen(zone, 0, now));
  EXPECT_FALSE(scans.birth_seen(zone + 1, 0, now)) << "another zone's scan";
  EXPECT_FALSE(scans.birth_seen(zone, 999, now)) << "a start time tells better than scans";
}

Now at(std::int64_t ms) {
  return {ms, ms};
}

TEST(ZoneScans, WhatWasSeenBeforeAZoneWasForgottenIsForgotten) {
  ZoneScans scans(at(1000));
  EXPECT_FALSE(scans.forgotten(zone, scans.mark(zone))) << "a zone nobody knows";
  scans.begin(zone, at(1000));
  const std::uint32_t before = scans.mark(zone);
  scans.forget(zone, at(5000));
  EXPECT_TRUE(scans.forgotten(zone, before));
  EXPECT_FALSE(scans.forgotten(zone, scans.mark(zone))) << "seen by an event since then";
  EXPECT_FALSE(scans.forgotten(zone + 1, 0));
  const std::uint32_t between = scans.mark(zone);
  scans.forget(zone, at(6000));
  EXPECT_TRUE(scans.forgotten(zone, between));
}

TEST(ZoneScans, BirthsGoOverToAnother) {
  ZoneScans scans(at(1000)), next(at(9000));
  scans.begin(zone, at(1000));
  scans.forget(zone, at(5000));
  EXPECT_EQ(scans.births(), (Births{1000, {{zone, 5001}}}));
  next.set_births(scans.births());
  EXPECT_TRUE(next.birth_seen(zone + 1, 1000, at(9000)));
  EXPECT_FALSE(next.birth_seen(zone, 5000, at(9000)));
  EXPECT_TRUE(next.birth_seen(zone, 5001, at(9000)));
}

TEST(ZoneScans, AfterForgettingOnlyWhatBeganLaterIsBornUnderOurEyes) {
  const Now now{50, 5000};
  ZoneScans scans(Now{46, 1000});
  scans.begin(zone, now);
  scans.end(zone, true);
  scans.forget(zone, now);
  EXPECT_FALSE(scans.birth_seen(zone, 0, now));
  EXPECT_FALSE(scans.birth_seen(zone, 5000, now));
  EXPECT_TRUE(scans.birth_seen(zone, 5001, now));
  EXPECT_TRUE(scans.birth_seen(zone + 1, 1000, now));
}

TEST(ZoneScans, AfterTheClockWasSetBackScansTellTheBornFromTheOld) {
  Clock now{{0, 1'000'000}};
  ZoneScans scans(now);
  now.pass(5'000).set(-600'000);
  EXPECT_FALSE(scans.birth_seen(zone, now.wall_ms, now)) << "no scan has told yet what was there before";
  scans.begin(zone, now);
  scans.end(zone, true);
  now.pass(5'000);
  EXPECT_TRUE(scans.birth_seen(zone, now.wall_ms, now)) << "it was not in the scan";
  EXPECT_FALSE(scans.birth_seen(zone, 399'000, now)) << "the clock has not been that low since";
  EXPECT_TRUE(scans.birth_seen(zone, 400'000, now)) << "born right after the clock was set, before we looked";
  now.set(3'600'000);
  EXPECT_TRUE(scans.birth_seen(zone, now.wall_ms, now));
  EXPECT_TRUE(scans.birth_seen(zone, 401'000, now)) << "born while it was low";
  scans.forget(zone, now);
  EXPECT_FALSE(scans.birth_seen(zone, 401'000, now)) << "seen then, and forgotten";
}

TEST(ZoneScans, AStartInTheFutureTellsNothing) {
  Clock now{{0, 1'000'000}};
  ZoneScans scans(now);
  EXPECT_TRUE(scans.birth_seen(zone, now.wall_ms + 1'000, now)) << "begun after the clock was read";
  EXPECT_FALSE(scans.birth_seen(zone, now.wall_ms + 1'001, now)) << "begun under a clock that was ahead";
  scans.begin(zone, now);
  scans.end(zone, true);
  EXPECT_TRUE(scans.birth_seen(zone, now.wall_ms + 3'600'000, now)) << "a scan has told that it is new";
}

}  // namespace
}  // namespace flowstore
