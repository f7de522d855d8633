#include "k8s-bridge/directory/claims.h"

#include <gtest/gtest.h>

#include <string>

namespace ofe::k8s {
namespace {

TEST(Claims, LastToClaimHasItAndGivesItBack) {
  Claims<int, std::string> claims;
  EXPECT_EQ(claims.find(1), nullptr);
  claims.claim(1, "a");
  claims.claim(1, "b");
  EXPECT_EQ(*claims.find(1), "b");
  EXPECT_EQ(claims.contested(), 1u);
  claims.release(1, "b");
  EXPECT_EQ(*claims.find(1), "a");
  EXPECT_EQ(claims.contested(), 0u);
  claims.release(1, "a");
  EXPECT_EQ(claims.find(1), nullptr);
}

TEST(Claims, ReleaseOfAnEarlierClaimChangesNothing) {
  Claims<int, std::string> claims;
  claims.claim(1, "a");
  claims.claim(1, "b");
  claims.release(1, "a");
  EXPECT_EQ(*claims.find(1), "b");
  EXPECT_EQ(claims.contested(), 0u);
}

TEST(Claims, ClaimingTwiceAndReleasingWhatIsNotHeldAreHarmless) {
  Claims<int, std::string> claims;
  claims.claim(1, "a");
  claims.claim(1, "a");
  EXPECT_EQ(claims.contested(), 0u);
  claims.release(1, "b");
  claims.release(2, "a");
  EXPECT_EQ(*claims.find(1), "a");
  claims.release(1, "a");
  EXPECT_EQ(claims.find(1), nullptr);
}

}  // namespace
}  // namespace ofe::k8s
