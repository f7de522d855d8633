#include "ipfix/message_writer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "ipfix/element.h"
#include "ipfix/record_writer.h"
#include "tests/ipfix/parsed_message.h"

namespace ipfix {
namespace {

using ipfix_test::Bytes;
using ipfix_test::from_hex;
using ipfix_test::parse_message;
using ipfix_test::ParsedMessage;

Bytes finished(MessageWriter& writer, std::uint32_t export_time = 0, std::uint32_t sequence = 0) {
  Message message = writer.take();
  stamp(message, export_time, sequence);
  return message.octets;
}

// RFC 7011 appendix A.2.1: sourceIPv4Address, destinationIPv4Address, ipNextHopIPv4Address, packetDeltaCount,
// octetDeltaCount.
TEST(MessageWriter, WritesTheTemplateSetOfAppendixA21) {
  MessageWriter writer(1, 1400);
  ASSERT_TRUE(writer.add_template({256, 0, {{0, 8, 4}, {0, 12, 4}, {0, 15, 4}, {0, 2, 4}, {0, 1, 4}}}));
  EXPECT_EQ(finished(writer, 0x45678901, 7), from_hex("000a 002c 45678901 00000007 00000001"
                                                      "0002 001c 0100 0005"
                                                      "0008 0004 000c 0004 000f 0004 0002 0004 0001 0004"));
}

// Appendix A.2.2: the next hop is an enterprise's own element.
TEST(MessageWriter, WritesTheEnterpriseElementOfAppendixA22) {
  MessageWriter writer(1, 1400);
  ASSERT_TRUE(writer.add_template({257, 0, {{0, 8, 4}, {0, 12, 4}, {56506, 15, 4}, {0, 2, 4}, {0, 1, 4}}}));
  EXPECT_EQ(finished(writer), from_hex("000a 0030 00000000 00000000 00000001"
                                       "0002 0020 0101 0005"
                                       "0008 0004 000c 0004 800f 0004 0000dcba 0002 0004 0001 0004"));
}

// Appendix A.3: three records share one set.
TEST(MessageWriter, WritesTheDataSetOfAppendixA3) {
  MessageWriter writer(1, 1400);
  ASSERT_TRUE(writer.add_record(256, from_hex("c000020c c00002fe c0000201 00001391 00518c81")));
  ASSERT_TRUE(writer.add_record(256, from_hex("c000021b c0000217 c0000202 000002ec 0005ef46")));
  ASSERT_TRUE(writer.add_record(256, from_hex("c0000238 c0000241 c0000203 00000005 00001986")));
  EXPECT_EQ(finished(writer), from_hex("000a 0050 00000000 00000000 00000001"
                                       "0100 0040"
                                       "c000020c c00002fe c0000201 00001391 00518c81"
                                       "c000021b c0000217 c0000202 000002ec 0005ef46"
                                       "c0000238 c0000241 c0000203 00000005 00001986"));
}

// Appendix A.4.1: scope lineCardId, then exportedMessageTotalCount and exportedFlowRecordTotalCount. The appendix pads
// the set with two octets, which section 3.3.1 leaves to the writer.
TEST(MessageWriter, WritesTheOptionsTemplateSetOfAppendixA41) {
  MessageWriter writer(1, 1400);
  ASSERT_TRUE(writer.add_template({258, 1, {{0, 141, 4}, {0, 41, 2}, {0, 42, 2}}}));
  EXPECT_EQ(finished(writer), from_hex("000a 0026 00000000 00000000 00000001"
                                       "0003 0016 0102 0003 0001 008d 0004 0029 0002 002a 0002"));
}

// Appendices A.4.3 and A.4.4: an enterprise element as the scope, and its records.
TEST(MessageWriter, WritesTheEnterpriseScopeOfAppendixA43) {
  MessageWriter writer(1, 1400);
  ASSERT_TRUE(writer.add_template({260, 1, {{0xdcba, 123, 4}, {0, 41, 2}, {0, 42, 2}}}));
  ASSERT_TRUE(writer.add_record(260, from_hex("00000001 0159 27d9")));
  ASSERT_TRUE(writer.add_record(260, from_hex("00000002 02b2 4fb2")));
  EXPECT_EQ(finished(writer), from_hex("000a 003e 00000000 00000000 00000001"
                                       "0003 001a 0104 0003 0001 807b 0004 0000dcba 0029 0002 002a 0002"
                                       "0104 0014 00000001 0159 27d9 00000002 02b2 4fb2"));
}

// Appendix A.5: a string of five octets and one of a thousand.
TEST(MessageWriter, WritesTheVariableLengthElementsOfAppendixA5) {
  MessageWriter writer(1, 1400);
  ASSERT_TRUE(writer.add_template({261, 0, {{0, 82, variable_length}}}));
  Bytes buffer(2000);
  RecordWriter short_name(buffer);
  short_name.string("eth01");
  ASSERT_TRUE(writer.add_record(261, short_name.written()));
  RecordWriter long_name(buffer);
  long_name.string(std::string(1000, 'x'));
  ASSERT_TRUE(writer.add_record(261, long_name.written()));
  Bytes expected = from_hex(
      "000a 0411 00000000 00000000 00000001"
      "0002 000c 0105 0001 0052 ffff"
      "0105 03f5 05 6574683031 ff03e8");
  expected.insert(expected.end(), 1000, 'x');
  EXPECT_EQ(finished(writer), expected);
}

// RFC 5103 appendix A: flowStartSeconds and its reverse.
TEST(MessageWriter, WritesReverseElementsWithTheirEnterprise) {
  MessageWriter writer(0x21, 1400);
  ASSERT_TRUE(writer.add_template({256, 0, {{0, 150, 4}, {reverse_enterprise, 150, 4}}}));
  EXPECT_EQ(finished(writer), from_hex("000a 0024 00000000 00000000 00000021"
                                       "0002 0014 0100 0002 0096 0004 8096 0004 00007279"));
}

// The whole of RFC 5103 appendix A: a request of 65 packets, 18,000 octets, and its answer a second later.
TEST(MessageWriter, WritesTheBiflowOfRfc5103AppendixA) {
  constexpr std::uint32_t r = reverse_enterprise;
  MessageWriter writer(0x21, 1400);
  ASSERT_TRUE(writer.add_template({256,
                                   0,
                                   {{0, 150, 4},
                                    {r, 150, 4},
                                    {0, 8, 4},
                                    {0, 12, 4},
                                    {0, 7, 2},
                                    {0, 11, 2},
                                    {0, 4, 1},
                                    {0, 85, 4},
                                    {r, 85, 4},
                                    {0, 86, 4},
                                    {r, 86, 4}}}));
  ASSERT_TRUE(writer.add_record(
      256, from_hex("43e0e910 43e0e911 c0000202 c0000203 8002 0050 06 00004650 0001f400 00000041 0000006e")));
  EXPECT_EQ(
      finished(writer),
      from_hex("000a 0079 00000000 00000000 00000021"
               "0002 0040 0100 000b 0096 0004 8096 0004 00007279 0008 0004 000c 0004 0007 0002 000b 0002 0004 0001"
               "0055 0004 8055 0004 00007279 0056 0004 8056 0004 00007279"
               "0100 0029 43e0e910 43e0e911 c0000202 c0000203 8002 0050 06 00004650 0001f400 00000041 0000006e"));
}

TEST(MessageWriter, OpensANewSetWheneverTheTemplateChanges) {
  MessageWriter writer(9, 1400);
  ASSERT_TRUE(writer.add_template({256, 0, {{0, 1, 1}}}));
  ASSERT_TRUE(writer.add_template({257, 0, {{0, 2, 1}}}));
  ASSERT_TRUE(writer.add_template({258, 1, {{0, 149, 4}}}));
  ASSERT_TRUE(writer.add_record(256, from_hex("aa")));
  ASSERT_TRUE(writer.add_record(256, from_hex("ab")));
  ASSERT_TRUE(writer.add_record(257, from_hex("bb")));
  ASSERT_TRUE(writer.add_record(256, from_hex("ac")));
  Message message = writer.take();
  EXPECT_EQ(message.data_records, 4u);
  EXPECT_EQ(message.template_records, 3u);
  const ParsedMessage parsed = parse_message(message.octets);
  EXPECT_EQ(parsed.domain, 9u);
  ASSERT_EQ(parsed.sets.size(), 5u);
  EXPECT_EQ(parsed.sets[0].id, 2);
  EXPECT_EQ(parsed.sets[0].body, from_hex("0100 0001 0001 0001 0101 0001 0002 0001"));
  EXPECT_EQ(parsed.sets[1].id, 3);
  EXPECT_EQ(parsed.sets[2].id, 256);
  EXPECT_EQ(parsed.sets[2].body, from_hex("aaab"));
  EXPECT_EQ(parsed.sets[3].id, 257);
  EXPECT_EQ(parsed.sets[4].body, from_hex("ac"));
}

TEST(MessageWriter, FillsAMessageToTheLimitAndNotBeyond) {
  MessageWriter writer(1, 100);
  const Bytes record(20);
  ASSERT_TRUE(writer.add_record(256, record));  // 16 + 4 + 20 = 40
  ASSERT_TRUE(writer.add_record(256, record));
  ASSERT_TRUE(writer.add_record(256, record));
  EXPECT_FALSE(writer.add_record(257, Bytes(20)));  // 80 + 4 + 20
  EXPECT_FALSE(writer.add_template({300, 0, {{0, 1, 8}, {0, 2, 8}, {0, 3, 8}, {0, 4, 8}}}));
  ASSERT_TRUE(writer.add_record(256, record));  // exactly 100
  EXPECT_FALSE(writer.add_record(256, Bytes(1)));
  const Message full = writer.take();
  EXPECT_EQ(full.octets.size(), 100u);
  EXPECT_EQ(full.data_records, 4u);
  EXPECT_NO_THROW(parse_message(full.octets));
}

// Written where room() says, a record is the same as one that is copied: with a set header before it or without.
TEST(MessageWriter, TakesRecordsThatWereEncodedInPlace) {
  MessageWriter copied(1, 200), in_place(1, 200);
  for (const std::uint16_t id : {256, 256, 257, 257, 256}) {
    const Bytes record(20, static_cast<std::uint8_t>(id));
    ASSERT_TRUE(copied.add_record(id, record));
    const std::span<std::uint8_t> room = in_place.room(id, 30);
    ASSERT_EQ(room.size(), 30u);
    std::ranges::copy(record, room.begin());
    ASSERT_TRUE(in_place.add_record(id, room.first(20)));
  }
  EXPECT_EQ(finished(in_place), finished(copied));
}

TEST(MessageWriter, HasNoRoomForARecordThatMayNotFit) {
  MessageWriter writer(1, 100);
  EXPECT_EQ(writer.room(256, 80).size(), 80u);
  EXPECT_TRUE(writer.room(256, 81).empty());
  ASSERT_TRUE(writer.add_record(256, Bytes(20)));
  EXPECT_EQ(writer.room(256, 60).size(), 60u);
  EXPECT_TRUE(writer.room(256, 61).empty());
  EXPECT_TRUE(writer.room(257, 57).empty()) << "its set has a header of its own";
}

TEST(MessageWriter, RoomThatIsNotUsedLeavesNoTrace) {
  MessageWriter writer(1, 1400);
  ASSERT_TRUE(writer.add_record(256, from_hex("01")));
  std::ranges::fill(writer.room(257, 1000), 0xff);
  ASSERT_TRUE(writer.add_template({258, 0, {{0, 4, 1}}}));
  ASSERT_TRUE(writer.add_record(256, from_hex("02")));
  EXPECT_EQ(finished(writer), from_hex("000a 0026 00000000 00000000 00000001 0100 0005 01"
                                       "0002 000c 0102 0001 0004 0001 0100 0005 02"));
}

TEST(MessageWriter, WritesMessagesOfTheGreatestLength) {
  MessageWriter writer(1, 1'000'000);
  EXPECT_EQ(writer.max_octets(), 65535u);
  EXPECT_EQ(writer.max_record_octets(), 65515u);
  EXPECT_FALSE(writer.add_record(256, Bytes(65516)));
  ASSERT_TRUE(writer.add_record(256, Bytes(65515)));
  const Message message = writer.take();
  EXPECT_EQ(parse_message(message.octets).length, 65535u);
}

TEST(MessageWriter, BeginsANewMessageAfterTakingOne) {
  MessageWriter writer(5, 1400);
  ASSERT_TRUE(writer.add_record(256, from_hex("01")));
  Message first = writer.take();
  EXPECT_TRUE(writer.empty());
  ASSERT_TRUE(writer.add_record(256, from_hex("02")));
  const Message second = writer.take(std::move(first.octets));
  EXPECT_EQ(second.data_records, 1u);
  const ParsedMessage parsed = parse_message(second.octets);
  EXPECT_EQ(parsed.domain, 5u);
  ASSERT_EQ(parsed.sets.size(), 1u);
  EXPECT_EQ(parsed.sets[0].body, from_hex("02"));
}

TEST(EncodedOctets, CountsTheRecordAndItsEnterpriseNumbers) {
  EXPECT_EQ(encoded_octets({256, 0, {{0, 1, 8}, {55829, 101, variable_length}}}), 4u + 4u + 8u);
  EXPECT_EQ(encoded_octets({256, 1, {{0, 1, 8}, {55829, 101, variable_length}}}), 6u + 4u + 8u);
}

}  // namespace
}  // namespace ipfix
