#include "ipfix/message_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ipfix/element.h"
#include "tests/ipfix/message_builder.h"

namespace {

using ipfix::Finding;
using ipfix::Octets;
using ipfix_test::Bytes;
using ipfix_test::MessageBuilder;
using testing::ElementsAre;

Finding header_finding(const MessageBuilder& message) {
  ipfix::MessageHeader header;
  return read_header(message.build(), header);
}

TEST(MessageHeader, IsRead) {
  ipfix::MessageHeader header;
  ASSERT_EQ(read_header(MessageBuilder(0xfffffffe, 77).export_time(5).set(300, Bytes().u32(1)).build(), header),
            Finding::none);
  EXPECT_EQ(header.length, 24);
  EXPECT_EQ(header.export_time, 5U);
  EXPECT_EQ(header.sequence, 0xfffffffeU);
  EXPECT_EQ(header.observation_domain, 77U);
}

TEST(MessageHeader, LengthsThatLie) {
  EXPECT_EQ(header_finding(MessageBuilder().length(0)), Finding::message_length_below_header);
  EXPECT_EQ(header_finding(MessageBuilder().length(15)), Finding::message_length_below_header);
  EXPECT_EQ(header_finding(MessageBuilder().length(17)), Finding::message_longer_than_datagram);
  EXPECT_EQ(header_finding(MessageBuilder().length(65535)), Finding::message_longer_than_datagram);
  EXPECT_EQ(header_finding(MessageBuilder().length(16).raw(Bytes().u8(0))), Finding::octets_after_message);
}

TEST(MessageHeader, NoIpfix) {
  EXPECT_EQ(header_finding(MessageBuilder().version(9)), Finding::wrong_version);
  EXPECT_EQ(header_finding(MessageBuilder().version(5)), Finding::wrong_version);
  const std::vector<std::uint8_t> tls_hello = {0x16, 0x03, 0x01, 0x02, 0x00, 0x01};
  ipfix::MessageHeader header;
  EXPECT_EQ(read_header(tls_hello, header), Finding::wrong_version);
}

TEST(MessageHeader, CutAtEveryOctet) {
  const auto whole = MessageBuilder().build();
  for (std::size_t length = 0; length < whole.size(); ++length) {
    ipfix::MessageHeader header;
    EXPECT_EQ(read_header(Octets(whole).first(length), header), Finding::message_cut) << length;
  }
}

struct ReadSets {
  std::vector<std::uint16_t> ids;
  std::vector<std::size_t> offsets;
  Finding finding;
};
ReadSets read_sets(const MessageBuilder& builder) {
  const auto message = builder.build();
  ipfix::SetReader reader(message);
  ipfix::Set set;
  ReadSets result{};
  while (reader.next(set)) {
    result.ids.push_back(set.id);
    result.offsets.push_back(set.offset);
  }
  result.finding = reader.finding();
  return result;
}

TEST(Sets, FollowEachOther) {
  const ReadSets sets = read_sets(MessageBuilder().set(256, Bytes().u8(1)).set(9, Bytes()).set(2, Bytes().u32(0)));
  EXPECT_THAT(sets.ids, ElementsAre(256, 9, 2));
  EXPECT_THAT(sets.offsets, ElementsAre(16, 21, 25));
  EXPECT_EQ(sets.finding, Finding::none);
}

TEST(Sets, LengthsThatLie) {
  for (const std::size_t length : {0, 1, 3}) {
    EXPECT_EQ(read_sets(MessageBuilder().set_of_length(256, length, Bytes().u32(0))).finding,
              Finding::set_length_below_header);
  }
  EXPECT_EQ(read_sets(MessageBuilder().set_of_length(256, 9, Bytes().u32(0))).finding, Finding::set_beyond_message);
  EXPECT_EQ(read_sets(MessageBuilder().set_of_length(256, 65535, Bytes().u32(0))).finding, Finding::set_beyond_message);
  const ReadSets trailing = read_sets(MessageBuilder().set(256, Bytes().u32(0)).raw(Bytes().u16(0).u8(0)));
  EXPECT_THAT(trailing.ids, ElementsAre(256));
  EXPECT_EQ(trailing.finding, Finding::set_header_cut);
}

struct ReadTemplates {
  std::vector<ipfix::TemplateRecord> records;
  Finding finding;
};
ReadTemplates read_templates(std::uint16_t set_id, const Bytes& body) {
  ipfix::Set set{set_id, body.octets(), 0};
  ipfix::TemplateSetReader reader(set);
  ipfix::TemplateRecord record;
  ReadTemplates result{};
  while (reader.next(record)) result.records.push_back(record);
  result.finding = reader.finding();
  return result;
}

TEST(TemplateSet, RecordsAndPadding) {
  Bytes body = ipfix_test::template_record(256, {{.id = 8, .length = 4}, {29305, 1, 8}});
  body.add(ipfix_test::template_record(257, {{.id = 82, .length = ipfix::variable_length}}));
  for (const std::size_t padding : {0, 1, 2, 3, 7}) {
    const ReadTemplates read = read_templates(2, Bytes(body).zeros(padding));
    EXPECT_EQ(read.finding, Finding::none) << padding;
    ASSERT_EQ(read.records.size(), 2U) << padding;
    EXPECT_EQ(read.records[0].definition, (ipfix::Template{256, 0, {{0, 8, 4}, {29305, 1, 8}}}));
    EXPECT_EQ(read.records[1].definition, (ipfix::Template{257, 0, {{0, 82, ipfix::variable_length}}}));
    EXPECT_FALSE(read.records[0].options);
  }
}

TEST(TemplateSet, OptionsTemplate) {
  const ReadTemplates read = read_templates(3, ipfix_test::options_template_record(258, 1, {{0, 141, 4}, {0, 41, 2}}));
  ASSERT_EQ(read.records.size(), 1U);
  EXPECT_EQ(read.records[0].definition, (ipfix::Template{258, 1, {{0, 141, 4}, {0, 41, 2}}}));
  EXPECT_TRUE(read.records[0].options);
}

TEST(TemplateSet, Withdrawals) {
  const ReadTemplates one = read_templates(2, ipfix_test::withdrawal(256));
  ASSERT_EQ(one.records.size(), 1U);
  EXPECT_TRUE(one.records[0].is_withdrawal());
  EXPECT_FALSE(one.records[0].withdraws_all());
  ASSERT_EQ(read_templates(2, ipfix_test::withdrawal(2)).records.size(), 1U);
  EXPECT_TRUE(read_templates(3, ipfix_test::withdrawal(3)).records.at(0).withdraws_all());
  EXPECT_EQ(read_templates(2, ipfix_test::withdrawal(3)).finding, Finding::template_id_reserved);
  EXPECT_EQ(read_templates(3, ipfix_test::withdrawal(2)).finding, Finding::template_id_reserved);
}

TEST(TemplateSet, Malformations) {
  EXPECT_EQ(read_templates(2, ipfix_test::template_record(255, {{0, 8, 4}})).finding, Finding::template_id_reserved);
  EXPECT_EQ(read_templates(2, Bytes().u16(256).u16(65535).u16(8).u16(4)).finding, Finding::template_cut);
  EXPECT_EQ(read_templates(2, Bytes().u16(256).u16(2).u16(8).u16(4)).finding, Finding::template_cut);
  EXPECT_EQ(read_templates(2, Bytes().u16(256).u16(1).u16(0x8001).u16(4).u16(0)).finding, Finding::template_cut)
      << "cut enterprise number";
  EXPECT_EQ(read_templates(2, ipfix_test::template_record(256, {{0, 82, 0}, {0, 83, 0}})).finding,
            Finding::template_of_empty_records);
  EXPECT_EQ(read_templates(3, ipfix_test::options_template_record(256, 0, {{0, 8, 4}})).finding,
            Finding::scope_count_zero);
  EXPECT_EQ(read_templates(3, ipfix_test::options_template_record(256, 2, {{0, 8, 4}})).finding,
            Finding::scope_count_beyond_fields);
  EXPECT_EQ(read_templates(3, Bytes().u16(256).u16(1)).finding, Finding::template_cut);
  EXPECT_EQ(read_templates(2, Bytes().zeros(3)).finding, Finding::set_without_record);
}

TEST(StreamFramer, YieldsMessagesHoweverTheStreamIsCut) {
  const auto first = MessageBuilder(1).set(256, Bytes().u32(1)).build();
  const auto second = MessageBuilder(2).build();
  std::vector<std::uint8_t> stream = first;
  stream.insert(stream.end(), second.begin(), second.end());
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    ipfix::StreamFramer framer;
    std::vector<std::vector<std::uint8_t>> messages;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      framer.append(Octets(stream).subspan(at, std::min(piece, stream.size() - at)));
      while (const auto message = framer.next()) messages.emplace_back(message->begin(), message->end());
    }
    EXPECT_THAT(messages, ElementsAre(first, second)) << "pieces of " << piece;
    EXPECT_EQ(framer.at_end(), Finding::none);
    EXPECT_EQ(framer.offset(), stream.size());
  }
}

TEST(StreamFramer, EndsWhereNoMessageBegins) {
  for (const auto& [message, finding] :
       {std::pair{MessageBuilder().version(9), Finding::wrong_version},
        std::pair{MessageBuilder().length(0), Finding::message_length_below_header},
        std::pair{MessageBuilder().length(15), Finding::message_length_below_header}}) {
    ipfix::StreamFramer framer;
    framer.append(MessageBuilder().build());
    framer.append(message.build());
    EXPECT_TRUE(framer.next().has_value());
    EXPECT_FALSE(framer.next().has_value());
    EXPECT_EQ(framer.finding(), finding);
    EXPECT_EQ(framer.offset(), 16U);
    framer.append(MessageBuilder().build());
    EXPECT_FALSE(framer.next().has_value()) << "there is no way back";
  }
}

TEST(StreamFramer, EndInsideAMessage) {
  ipfix::StreamFramer framer;
  framer.append(MessageBuilder().length(65535).build());
  EXPECT_FALSE(framer.next().has_value());
  EXPECT_EQ(framer.finding(), Finding::none) << "the rest may come";
  EXPECT_EQ(framer.at_end(), Finding::message_cut);
}

}  // namespace
