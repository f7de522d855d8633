#include "ovs-plugin/netlink/dump.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>

namespace ofe::netlink {
namespace {

constexpr std::uint16_t family_type = 0x100;

// What netlink_dump() of the kernel sends in one piece.
class Piece {
 public:
  Piece& message(std::uint16_t type, std::uint16_t flags = NLM_F_MULTI, int payload = 0) {
    nlmsghdr header{};
    header.nlmsg_len = MNL_NLMSG_HDRLEN + sizeof payload;
    header.nlmsg_type = type;
    header.nlmsg_flags = flags;
    add(&header, sizeof header);
    add(&payload, sizeof payload);
    return *this;
  }
  Piece& without_last(std::size_t octets) {
    octets_.resize(octets_.size() - octets);
    return *this;
  }

  DumpProgress take(std::size_t budget = 100) {
    taken = 0;
    left = budget;
    return take_piece(octets_, left, error, [this](const nlmsghdr* message) {
      EXPECT_EQ(message->nlmsg_type, family_type);
      ++taken;
    });
  }
  std::size_t taken = 0, left = 0;
  std::string error;

 private:
  void add(const void* from, std::size_t octets) {
    const char* const at = static_cast<const char*>(from);
    octets_.insert(octets_.end(), at, at + octets);
  }
  std::vector<char> octets_;
};

TEST(DumpPiece, TheFamilysMessagesAreTakenAndTheOthersAreNot) {
  Piece piece;
  piece.message(family_type).message(NLMSG_NOOP).message(family_type);
  EXPECT_EQ(piece.take(), DumpProgress::more);
  EXPECT_EQ(piece.taken, 2U);
  EXPECT_EQ(piece.left, 97U);
  EXPECT_EQ(piece.error, "");
}

TEST(DumpPiece, IsTakenWholeWhateverTheBudget) {
  Piece piece;
  piece.message(family_type).message(family_type).message(family_type);
  EXPECT_EQ(piece.take(2), DumpProgress::more);
  EXPECT_EQ(piece.taken, 3U);
  EXPECT_EQ(piece.left, 0U);
}

TEST(DumpPiece, EndsWithDone) {
  Piece piece;
  piece.message(family_type).message(NLMSG_DONE).message(family_type);
  EXPECT_EQ(piece.take(), DumpProgress::complete);
  EXPECT_EQ(piece.taken, 1U);
}

TEST(DumpPiece, AnAcknowledgementIsNoEnd) {
  Piece piece;
  piece.message(NLMSG_ERROR, 0).message(family_type);
  EXPECT_EQ(piece.take(), DumpProgress::more);
  EXPECT_EQ(piece.taken, 1U);
}

TEST(DumpPiece, AnErrorIsTheReason) {
  for (const std::uint16_t type : {NLMSG_ERROR, NLMSG_DONE}) {
    Piece piece;
    piece.message(type, 0, -EPERM);
    EXPECT_EQ(piece.take(), DumpProgress::failed);
    EXPECT_EQ(piece.error, std::string("the kernel refused the dump: ") + std::strerror(EPERM));
  }
}

TEST(DumpPiece, LostMessagesAndAChangedTableFail) {
  Piece lost;
  lost.message(NLMSG_OVERRUN).message(family_type);
  EXPECT_EQ(lost.take(), DumpProgress::failed);
  EXPECT_EQ(lost.error, "messages of the dump were lost (NLMSG_OVERRUN)");
  Piece changed;
  changed.message(family_type, NLM_F_MULTI | NLM_F_DUMP_INTR);
  EXPECT_EQ(changed.take(), DumpProgress::failed);
  EXPECT_EQ(changed.taken, 0U);
  EXPECT_EQ(changed.error, "the table changed during the dump (NLM_F_DUMP_INTR)");
}

TEST(DumpPiece, AMessageCutShortFailsAfterThoseBeforeIt) {
  for (const std::size_t cut : {1, 4, 5, 19}) {
    Piece piece;
    piece.message(family_type).message(family_type).without_last(cut);
    EXPECT_EQ(piece.take(), DumpProgress::failed) << cut;
    EXPECT_EQ(piece.taken, 1U) << cut;
    EXPECT_EQ(piece.error, "a message of the dump was cut short");
  }
}

}  // namespace
}  // namespace ofe::netlink
