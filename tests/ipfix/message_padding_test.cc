// Padding that makes messages equally long, and what a reader makes of it.
#include "ipfix/message_padding.h"

#include <gtest/gtest.h>

#include <random>

#include "ipfix/message_records.h"
#include "tests/ipfix/parsed_message.h"

namespace ipfix {
namespace {

using ipfix_test::Bytes;
using ipfix_test::from_hex;
using ipfix_test::parse_message;

// Its shortest record has 8 + 1 + 1 octets.
const Template counted{256, 0, {{0, 1, 8}, {0, 82, variable_length}, {0, 83, variable_length}}};
const Template other{257, 0, {{0, 2, 4}}};

const Template* find(std::uint16_t id) {
  return id == 256 ? &counted : id == 257 ? &other : nullptr;
}

Bytes record(std::size_t text_octets) {
  Bytes octets(8 + 1 + text_octets + 1, 0);
  octets[8] = static_cast<std::uint8_t>(text_octets);
  return octets;
}

Message message(std::initializer_list<std::size_t> text_octets) {
  MessageWriter writer(1, 1400);
  for (const std::size_t octets : text_octets) writer.add_record(256, record(octets));
  return writer.take();
}

std::size_t records_in(const Message& of) {
  std::size_t records = 0;
  for_each_record(of.octets, find, [&](std::uint16_t, Octets) { ++records; });
  return records;
}

TEST(MessagePadding, StaysShorterThanTheShortestRecordOfTheLastSet) {
  EXPECT_EQ(padding_allowed(message({3, 40}), find), 9u);
  MessageWriter writer(1, 1400);
  writer.add_record(256, record(3));
  writer.add_record(257, Bytes(4));
  EXPECT_EQ(padding_allowed(writer.take(), find), 3u);
}

TEST(MessagePadding, IsNotForTemplatesAndUnknownSets) {
  MessageWriter writer(1, 1400);
  writer.add_record(256, record(3));
  writer.add_template(other);
  EXPECT_EQ(padding_allowed(writer.take(), find), 0u);
  writer.add_record(300, Bytes(40));
  EXPECT_EQ(padding_allowed(writer.take(), find), 0u);
  EXPECT_EQ(padding_allowed(MessageWriter(1, 1400).take(), find), 0u);
}

TEST(MessagePadding, IsZerosThatTheLengthsOfSetAndMessageCount) {
  MessageWriter writer(1, 1400);
  writer.add_record(257, from_hex("01020304"));
  Message padded = writer.take();
  pad(padded, 3);
  EXPECT_EQ(padded.octets, from_hex("000a 001b 00000000 00000000 00000001 0101 000b 01020304 000000"));
  EXPECT_EQ(records_in(padded), 1u);
}

TEST(MessagePadding, GrowsNoFurtherThanAllowedWhenAMessageIsPaddedAgain) {
  Message padded = message({5});
  pad(padded, 6);
  EXPECT_EQ(padding_allowed(padded, find), 3u);
  pad(padded, 3);
  EXPECT_EQ(padding_allowed(padded, find), 0u);
  EXPECT_EQ(records_in(padded), 1u);
}

std::vector<std::size_t> lengths_after(std::vector<Message> messages) {
  std::vector<PaddedMessage> all;
  std::vector<std::size_t> lengths;
  for (Message& one : messages) all.push_back({&one, padding_allowed(one, find)});
  pad_to_runs(all);
  for (const Message& one : messages) lengths.push_back(one.octets.size());
  return lengths;
}

using Lengths = std::vector<std::size_t>;

// 16 + 4 + 10 octets and the text.
TEST(PadToRuns, MakesWhatLiesCloseTogetherOneLength) {
  EXPECT_EQ(lengths_after({message({50}), message({55}), message({46}), message({50})}), (Lengths{85, 85, 85, 80}))
      << "the last may be shorter";
}

TEST(PadToRuns, EndsARunWithAMessageThatIsTooShort) {
  EXPECT_EQ(lengths_after({message({50}), message({20}), message({50}), message({50})}), (Lengths{80, 50, 80, 80}));
}

TEST(PadToRuns, EndsARunBeforeAMessageThatIsTooLong) {
  EXPECT_EQ(lengths_after({message({50}), message({55}), message({60}), message({61}), message({61})}),
            (Lengths{85, 85, 91, 91, 91}))
      << "50 can be made 59 at most";
}

TEST(PadToRuns, LeavesOneAlone) {
  EXPECT_EQ(lengths_after({message({50})}), Lengths{80});
  EXPECT_EQ(lengths_after({}), Lengths{});
}

// Whatever the lengths: nothing is lost, nothing is read twice, and in a run only the last is shorter.
TEST(PadToRuns, KeepsEveryRecordOfMessagesOfAnyLength) {
  std::mt19937 random(11);
  for (int round = 0; round < 200; ++round) {
    std::vector<Message> messages;
    std::vector<std::size_t> records;
    const std::size_t spread = 1 + random() % 60;
    for (unsigned i = 0; i < 1 + random() % 64; ++i) {
      MessageWriter writer(1, 1400);
      for (unsigned n = 1 + random() % 5; n > 0; --n) writer.add_record(256, record(20 + random() % spread));
      messages.push_back(writer.take());
      records.push_back(messages.back().data_records);
    }
    std::vector<PaddedMessage> all;
    for (Message& one : messages) all.push_back({&one, padding_allowed(one, find)});
    std::size_t added = pad_to_runs(all);
    for (std::size_t i = 0; i < messages.size(); ++i) {
      added -= messages[i].padding;
      ASSERT_LE(messages[i].padding, 9u);
      ASSERT_EQ(parse_message(messages[i].octets).length, messages[i].octets.size());
      ASSERT_EQ(records_in(messages[i]), records[i]);
    }
    ASSERT_EQ(added, 0u) << "all of it was told";
  }
}

}  // namespace
}  // namespace ipfix
