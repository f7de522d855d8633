#include "flowstore/membership.h"

#include <gtest/gtest.h>

namespace flowstore {
namespace {

constexpr std::uint16_t counting_zone = 1;

void complete_scan(ZoneScans& scans, std::uint16_t zone) {
  scans.begin(zone, {});
  scans.end(zone, true);
}

TEST(Membership, RemembersTwoZonesBesidesTheCountingOne) {
  const ZoneScans scans(Now{});
  Membership seen_in;
  EXPECT_TRUE(seen_in.empty());
  seen_in.see_counting(0);
  EXPECT_TRUE(seen_in.see_other(2, 0));
  EXPECT_TRUE(seen_in.see_other(3, 0));
  EXPECT_FALSE(seen_in.see_other(4, 0));
  EXPECT_TRUE(seen_in.see_other(2, 0));
  for (const std::uint16_t zone : {1, 2, 3}) EXPECT_TRUE(seen_in.in(zone, scans, counting_zone)) << zone;
  EXPECT_FALSE(seen_in.in(4, scans, counting_zone));
}

TEST(Membership, AForgottenZoneIsDroppedAndToldApartFromAnAbsence) {
  ZoneScans scans(Now{});
  Membership seen_in;
  seen_in.see_counting(scans.mark(counting_zone));
  seen_in.see_other(2, scans.mark(2));
  scans.forget(counting_zone, Now{});
  EXPECT_FALSE(seen_in.in(counting_zone, scans, counting_zone));
  EXPECT_TRUE(seen_in.drop_absent(scans, counting_zone));
  EXPECT_FALSE(seen_in.empty());
  complete_scan(scans, 2);
  complete_scan(scans, 2);
  EXPECT_FALSE(seen_in.drop_absent(scans, counting_zone));
  EXPECT_TRUE(seen_in.empty());
}

TEST(Membership, AZoneThatLeavesMakesRoom) {
  const ZoneScans scans(Now{});
  Membership seen_in;
  seen_in.see_other(2, 0);
  seen_in.see_other(3, 0);
  seen_in.drop_other(2);
  EXPECT_TRUE(seen_in.see_other(4, 0));
  EXPECT_FALSE(seen_in.in(2, scans, counting_zone));
  seen_in.drop_other(3);
  seen_in.drop_other(4);
  EXPECT_TRUE(seen_in.empty());
}

TEST(Membership, TheCountingZoneComesBackToItsPlaceWhenOthersFilledTheRest) {
  const ZoneScans scans(Now{});
  Membership seen_in;
  seen_in.see_counting(0);
  seen_in.drop_counting();
  seen_in.see_other(2, 0);
  seen_in.see_other(3, 0);
  EXPECT_FALSE(seen_in.in(counting_zone, scans, counting_zone));
  seen_in.see_counting(0);
  EXPECT_TRUE(seen_in.in(counting_zone, scans, counting_zone));
}

TEST(Membership, DropsTheZonesThatScansFoundItAbsentFrom) {
  ZoneScans scans(Now{});
  Membership seen_in;
  seen_in.see_counting(scans.mark(counting_zone));
  seen_in.see_other(2, scans.mark(2));
  for (int i = 0; i < 2; ++i) complete_scan(scans, 2);
  EXPECT_FALSE(seen_in.in(2, scans, counting_zone));
  seen_in.drop_absent(scans, counting_zone);
  EXPECT_FALSE(seen_in.empty());
  for (int i = 0; i < 2; ++i) complete_scan(scans, counting_zone);
  seen_in.drop_absent(scans, counting_zone);
  EXPECT_TRUE(seen_in.empty());
}

}  // namespace
}  // namespace flowstore
