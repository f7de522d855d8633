#include "flowstore/connection_identity.h"

#include <gtest/gtest.h>

namespace flowstore {
namespace {

TEST(ConnectionIdentity, MarksThatBothSidesHaveDecide) {
  const struct {
    const char* story;
    EntryMarks known, seen;
    Kinship kinship;
  } cases[] = {
      {"neither has any", {}, {}, Kinship::unknown},
      {"no mark in common", {7, 0}, {0, 500}, Kinship::unknown},
      {"only one side has marks", {7, 500}, {}, Kinship::unknown},
      {"same id", {7, 0}, {7, 0}, Kinship::same},
      {"same id, one start", {7, 500}, {7, 0}, Kinship::same},
      {"another id", {7, 0}, {8, 0}, Kinship::different},
      {"another id wins over the same start", {7, 500}, {8, 500}, Kinship::different},
      {"same start", {0, 500}, {9, 500}, Kinship::same},
      {"another start", {0, 500}, {0, 501}, Kinship::different},
      {"the same id given again within the millisecond", {7, 500, 1000}, {7, 500, 401'000}, Kinship::different},
      {"nanoseconds beyond an unknown start", {7, 0, 1000}, {7, 500, 401'000}, Kinship::same},
      {"the same id given again at another start", {7, 500}, {7, 900}, Kinship::different},
  };
  for (const auto& c : cases) EXPECT_EQ(compare(c.known, c.seen), c.kinship) << c.story;
}

TEST(ConnectionIdentity, OnlyAReturnToAnOpeningStateReopens) {
  using enum TcpState;
  const TcpState all[] = {none,       syn_sent, syn_received, established, fin_wait,
                          close_wait, closing,  last_ack,     time_wait,   closed};
  for (const TcpState before : all) {
    for (const TcpState after : all) {
      const bool opened = before != none && before != syn_sent && before != syn_received;
      const bool opening = after == syn_sent || after == syn_received;
      EXPECT_EQ(reopens(before, after), opened && opening) << int(before) << " to " << int(after);
    }
  }
}

}  // namespace
}  // namespace flowstore
