#include "ovs-plugin/correlate/apportion.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace ofe::correlate {
namespace {

std::vector<Amount> shares(const Amount& whole, std::uint64_t members, std::uint64_t turn = 0) {
  Shares of(whole, members, turn);
  std::vector<Amount> all;
  for (std::uint64_t i = 0; i < members; ++i) all.push_back(of.next());
  return all;
}

TEST(Shares, AreEqualWherePacketsDivideEvenly) {
  EXPECT_EQ(shares({6, 600}, 3), (std::vector<Amount>{{2, 200}, {2, 200}, {2, 200}}));
}

TEST(Shares, PacketsLeftOverGoToDifferentMembersInTurn) {
  EXPECT_EQ(shares({5, 500}, 3), (std::vector<Amount>{{2, 200}, {2, 200}, {1, 100}}));
  EXPECT_EQ(Shares({5, 500}, 3, 0).next_turn(), 2u);
  EXPECT_EQ(shares({5, 500}, 3, 2), (std::vector<Amount>{{2, 200}, {1, 100}, {2, 200}}));
}

TEST(Shares, NoneHasOctetsWithoutPackets) {
  EXPECT_EQ(shares({1, 99}, 3, 1), (std::vector<Amount>{{0, 0}, {1, 99}, {0, 0}}));
}

TEST(Shares, OctetsWithoutAnyPacketAreDividedAll) {
  EXPECT_EQ(shares({0, 7}, 2), (std::vector<Amount>{{0, 3}, {0, 4}}));
}

TEST(Shares, AddUpToTheWholeAlways) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 5'000; ++round) {
    const Amount whole{random() >> random() % 64, random() >> random() % 64};
    const std::uint64_t members = 1 + random() % 50;
    Amount sum;
    std::uint64_t least = UINT64_MAX, most = 0;
    for (const Amount& share : shares(whole, members, random())) {
      sum += share;
      least = std::min(least, share.packets);
      most = std::max(most, share.packets);
      ASSERT_LE(share.octets, whole.octets);
    }
    ASSERT_EQ(sum, whole) << "round " << round;
    ASSERT_LE(most - least, 1u);
  }
}

TEST(Shares, OverManyRoundsEachMemberGetsItsPart) {
  std::uint64_t turn = 0;
  std::vector<std::uint64_t> packets(7);
  for (int round = 0; round < 700; ++round) {
    Shares of({3, 300}, 7, turn);
    for (std::uint64_t& member : packets) member += of.next().packets;
    turn = of.next_turn();
  }
  EXPECT_EQ(packets, std::vector<std::uint64_t>(7, 300));
}

}  // namespace
}  // namespace ofe::correlate
