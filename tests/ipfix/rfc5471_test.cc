// The tests that RFC 5471 asks of a collecting process, in its order, one test an item; octets by hand. What needs two
// processes is in tests/integration/rfc5471_test.py, TLS in the tests of the transports.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ipfix/value.h"
#include "tests/ipfix/collector_under_test.h"

namespace {

using ipfix::Finding;
using ipfix::SessionKind;
using ipfix::variable_length;
using ipfix_test::Bytes;
using ipfix_test::CollectorUnderTest;
using ipfix_test::Fields;
using ipfix_test::MessageBuilder;
using ipfix_test::options_template_record;
using ipfix_test::template_record;
using ipfix_test::withdrawal;
using testing::ElementsAre;
using testing::IsEmpty;

// What a collector makes of records with these fields, over UDP and over TCP.
std::vector<std::string> decoded(Fields fields, const Bytes& records) {
  CollectorUnderTest udp;
  CollectorUnderTest tcp;
  const MessageBuilder first = MessageBuilder().templates(template_record(256, fields));
  const MessageBuilder second = MessageBuilder().set(256, records);
  EXPECT_EQ(udp.datagram(first), Finding::none);
  EXPECT_EQ(udp.datagram(second), Finding::none);
  EXPECT_TRUE(tcp.stream(first) && tcp.stream(second));
  EXPECT_EQ(udp.records, tcp.records);
  return udp.records;
}

const Bytes protocol = template_record(256, {{0, 4, 1}});
const Bytes port = template_record(257, {{0, 7, 2}});
const Bytes card_options = options_template_record(258, 1, {{0, 141, 4}, {0, 41, 2}});

// --- templates and elements ---

TEST(Rfc5471, EveryFixedType) {
  ipfix::Registry registry;
  registry.add({1, 1, "signed8", ipfix::DataType::signed8});
  registry.add({1, 2, "signed16", ipfix::DataType::signed16});
  registry.add({1, 3, "signed32", ipfix::DataType::signed32});
  registry.add({1, 4, "signed64", ipfix::DataType::signed64});
  registry.add({1, 5, "float32", ipfix::DataType::float32});
  registry.add({1, 6, "float64", ipfix::DataType::float64});
  registry.add({1, 7, "unsigned8", ipfix::DataType::unsigned8});
  registry.add({1, 8, "unsigned16", ipfix::DataType::unsigned16});
  registry.add({1, 9, "unsigned32", ipfix::DataType::unsigned32});
  registry.add({1, 10, "unsigned64", ipfix::DataType::unsigned64});
  registry.add({1, 11, "boolean", ipfix::DataType::boolean});
  registry.add({1, 12, "mac", ipfix::DataType::mac_address});
  registry.add({1, 13, "octets", ipfix::DataType::octet_array});
  registry.add({1, 14, "string", ipfix::DataType::string});
  registry.add({1, 15, "seconds", ipfix::DataType::date_time_seconds});
  registry.add({1, 16, "milliseconds", ipfix::DataType::date_time_milliseconds});
  registry.add({1, 17, "microseconds", ipfix::DataType::date_time_microseconds});
  registry.add({1, 18, "nanoseconds", ipfix::DataType::date_time_nanoseconds});
  registry.add({1, 19, "ipv4", ipfix::DataType::ipv4_address});
  registry.add({1, 20, "ipv6", ipfix::DataType::ipv6_address});
  CollectorUnderTest collector({}, registry);
  const Fields fields = {{1, 1, 1},  {1, 2, 2},  {1, 3, 4},  {1, 4, 8},  {1, 5, 4},  {1, 6, 8},  {1, 7, 1},
                         {1, 8, 2},  {1, 9, 4},  {1, 10, 8}, {1, 11, 1}, {1, 12, 6}, {1, 13, 3}, {1, 14, 2},
                         {1, 15, 4}, {1, 16, 8}, {1, 17, 8}, {1, 18, 8}, {1, 19, 4}, {1, 20, 16}};
  const Bytes record = Bytes()
                           .u8(0xff)
                           .u16(0xfffe)
                           .u32(0xfffffffd)
                           .u64(0xfffffffffffffffc)
                           .u32(0xbf800000)
                           .u64(0x3fe0000000000000)
                           .u8(1)
                           .u16(2)
                           .u32(3)
                           .u64(4)
                           .u8(1)
                           .u16(0x0102)
                           .u32(0x03040506)
                           .u8(7)
                           .u16(0x0809)
                           .text("ab")
                           .u32(1)
                           .u64(1001)
                           .u64(0x83aa7e8180000000)  // NTP: 2,208,988,800 s to 1970, one more, and a half
                           .u64(0x83aa7e8180000000)
                           .u32(0xc0000201)
                           .u64(0x20010db800000000)
                           .u64(1);
  EXPECT_EQ(collector.datagram(MessageBuilder().templates(template_record(256, fields)).set(256, record)),
            Finding::none);
  EXPECT_THAT(
      collector.records,
      ElementsAre(R"({"signed8":-1,"signed16":-2,"signed32":-3,"signed64":-4,"float32":-1,"float64":0.5,)"
                  R"("unsigned8":1,"unsigned16":2,"unsigned32":3,"unsigned64":4,"boolean":true,)"
                  R"("mac":"01:02:03:04:05:06","octets":"070809","string":"ab",)"
                  R"("seconds":"1970-01-01T00:00:01Z","milliseconds":"1970-01-01T00:00:01.001Z",)"
                  R"("microseconds":"1970-01-01T00:00:01.500000Z",)"
                  R"("nanoseconds":"1970-01-01T00:00:01.500000000Z","ipv4":"192.0.2.1","ipv6":"2001:db8::1"})"));
}

TEST(Rfc5471, VariableLengthAlone) {
  EXPECT_THAT(decoded({{0, 82, variable_length}}, Bytes().variable("a").variable("").variable("bc")),
              ElementsAre(R"({"interfaceName":"a"})", R"({"interfaceName":""})", R"({"interfaceName":"bc"})"));
}

TEST(Rfc5471, VariableLengthBeforeFixed) {
  EXPECT_THAT(decoded({{0, 82, variable_length}, {0, 4, 1}}, Bytes().variable("a").u8(6).variable("bc").u8(17)),
              ElementsAre(R"({"interfaceName":"a","protocolIdentifier":6})",
                          R"({"interfaceName":"bc","protocolIdentifier":17})"));
}

TEST(Rfc5471, VariableLengthAfterFixed) {
  EXPECT_THAT(decoded({{0, 4, 1}, {0, 82, variable_length}}, Bytes().u8(6).variable("a").u8(17).variable("bc")),
              ElementsAre(R"({"protocolIdentifier":6,"interfaceName":"a"})",
                          R"({"protocolIdentifier":17,"interfaceName":"bc"})"));
}

TEST(Rfc5471, VariableLengthBetweenFixed) {
  EXPECT_THAT(decoded({{0, 4, 1}, {0, 82, variable_length}, {0, 5, 1}},
                      Bytes().u8(6).variable("a").u8(1).u8(17).long_variable(Bytes().text("bc")).u8(2)),
              ElementsAre(R"({"protocolIdentifier":6,"interfaceName":"a","ipClassOfService":1})",
                          R"({"protocolIdentifier":17,"interfaceName":"bc","ipClassOfService":2})"));
}

TEST(Rfc5471, SetPadding) {
  CollectorUnderTest collector;
  EXPECT_TRUE(collector.stream(
      MessageBuilder().templates(Bytes().add(port).zeros(2)).options_templates(Bytes().add(card_options).zeros(2))));
  EXPECT_TRUE(
      collector.stream(MessageBuilder().set(257, Bytes().u16(80).zeros(1)).set(258, Bytes().u32(1).u16(2).zeros(5))));
  EXPECT_THAT(collector.records,
              ElementsAre(R"({"sourceTransportPort":80})", R"({"lineCardId":1,"exportedMessageTotalCount":2})"));
  EXPECT_EQ(collector.process.stats().padding_octets, 6U);
}

TEST(Rfc5471, RecordPadding) {
  EXPECT_THAT(decoded({{0, 4, 1}, {0, 210, 3}}, Bytes().u8(6).zeros(3).u8(17).zeros(3)),
              ElementsAre(R"({"protocolIdentifier":6,"paddingOctets":"000000"})",
                          R"({"protocolIdentifier":17,"paddingOctets":"000000"})"));
}

TEST(Rfc5471, EnterpriseElements) {
  EXPECT_THAT(decoded({{0, 4, 1}, {55829, 101, variable_length}, {4711, 1, 2}}, Bytes().u8(6).variable("a").u16(1)),
              ElementsAre(R"({"protocolIdentifier":6,"sourcePodName":"a","enterprise4711_1":"0001"})"));
}

TEST(Rfc5471, ReducedSizes) {
  for (std::uint16_t size = 1; size <= 8; ++size) {
    EXPECT_THAT(decoded({{0, 1, size}}, Bytes().zeros(size - 1U).u8(7)), ElementsAre(R"({"octetDeltaCount":7})"));
  }
}

TEST(Rfc5471, RepeatedElements) {
  CollectorUnderTest collector;
  const Bytes thrice = template_record(256, {{0, 10, 4}, {0, 4, 1}, {0, 10, 4}, {0, 10, 2}});
  collector.datagram(MessageBuilder().templates(thrice).set(256, Bytes().u32(1).u8(6).u32(2).u16(3)));
  EXPECT_THAT(collector.records, ElementsAre(R"({"ingressInterface":[1,2,3],"protocolIdentifier":6})"));
  EXPECT_EQ(collector.process.stats().repeated_elements, 2U);
}

TEST(Rfc5471, UnknownElements) {
  CollectorUnderTest collector;
  collector.datagram(MessageBuilder().templates(template_record(256, {{0, 32000, 1}, {4711, 9, 1}, {0, 4, 1}})));
  EXPECT_EQ(collector.process.stats().unknown_elements, 2U);
}

// --- withdrawals ---

TEST(Rfc5471, WithdrawalFreesTheId) {
  CollectorUnderTest collector;
  EXPECT_TRUE(collector.stream(MessageBuilder().templates(protocol).set(256, Bytes().u8(6))));
  EXPECT_TRUE(collector.stream(MessageBuilder(1).templates(withdrawal(256))));
  EXPECT_TRUE(
      collector.stream(MessageBuilder(1).templates(template_record(256, {{0, 7, 2}})).set(256, Bytes().u16(80))));
  EXPECT_THAT(collector.records, ElementsAre(R"({"protocolIdentifier":6})", R"({"sourceTransportPort":80})"));
  EXPECT_THAT(collector.findings, IsEmpty());
}

TEST(Rfc5471, WithdrawalTwiceAndOfATemplateNeverSent) {
  CollectorUnderTest collector;
  EXPECT_TRUE(collector.stream(MessageBuilder().templates(protocol)));
  for (const std::uint16_t id : {256, 256, 999})
    EXPECT_TRUE(collector.stream(MessageBuilder().templates(withdrawal(id))));
  EXPECT_THAT(collector.findings, ElementsAre(Finding::withdrawal_ignored, Finding::withdrawal_ignored));
  EXPECT_TRUE(is_for_the_log(Finding::withdrawal_ignored));
}

TEST(Rfc5471, WithdrawalOfAllDataTemplates) {
  CollectorUnderTest collector;
  EXPECT_TRUE(
      collector.stream(MessageBuilder().templates(Bytes().add(protocol).add(port)).options_templates(card_options)));
  EXPECT_TRUE(collector.stream(MessageBuilder().templates(withdrawal(2))));
  EXPECT_TRUE(collector.stream(
      MessageBuilder().set(256, Bytes().u8(6)).set(257, Bytes().u16(80)).set(258, Bytes().u32(1).u16(2))));
  EXPECT_THAT(collector.records, ElementsAre(R"({"lineCardId":1,"exportedMessageTotalCount":2})"));
}

TEST(Rfc5471, WithdrawalOfAllOptionsTemplates) {
  CollectorUnderTest collector;
  EXPECT_TRUE(collector.stream(MessageBuilder().templates(protocol).options_templates(card_options)));
  EXPECT_TRUE(collector.stream(MessageBuilder().options_templates(withdrawal(3))));
  EXPECT_TRUE(collector.stream(MessageBuilder().set(258, Bytes().u32(1).u16(2)).set(256, Bytes().u8(6))));
  EXPECT_THAT(collector.records, ElementsAre(R"({"protocolIdentifier":6})"));
}

TEST(Rfc5471, WithdrawalOverUdpIsIgnored) {
  CollectorUnderTest collector;
  collector.datagram(MessageBuilder().templates(protocol));
  collector.datagram(MessageBuilder().templates(withdrawal(256)));
  collector.datagram(MessageBuilder().set(256, Bytes().u8(6)));
  EXPECT_EQ(collector.records.size(), 1U);
  EXPECT_THAT(collector.findings, ElementsAre(Finding::withdrawal_ignored));
}

// --- options ---

TEST(Rfc5471, EnterpriseScopeAndSeveralScopes) {
  CollectorUnderTest collector;
  collector.datagram(MessageBuilder()
                         .options_templates(options_template_record(258, 2, {{4711, 1, 2}, {0, 149, 4}, {0, 41, 8}}))
                         .set(258, Bytes().u16(0xabcd).u32(7).u64(9)));
  EXPECT_THAT(collector.records,
              ElementsAre(R"({"enterprise4711_1":"abcd","observationDomainId":7,"exportedMessageTotalCount":9})"));
}

TEST(Rfc5471, ScopeCountZero) {
  const MessageBuilder none = MessageBuilder().options_templates(options_template_record(258, 0, {{0, 141, 4}}));
  CollectorUnderTest udp;
  CollectorUnderTest tcp;
  EXPECT_EQ(udp.datagram(none), Finding::scope_count_zero);
  EXPECT_FALSE(tcp.stream(none)) << "the session is closed";
}

// Metering process statistics, and exporting process reliability with its two times (RFC 7011 sections 4.1 and 4.3).
TEST(Rfc5471, StatisticsOptions) {
  CollectorUnderTest collector;
  const Bytes sent = options_template_record(264, 2, {{0, 149, 4}, {0, 143, 4}, {0, 41, 8}, {0, 42, 8}, {0, 40, 8}});
  const Bytes lost =
      options_template_record(265, 1, {{0, 130, 4}, {0, 166, 8}, {0, 167, 8}, {0, 168, 8}, {0, 323, 8}, {0, 323, 8}});
  collector.datagram(MessageBuilder()
                         .options_templates(Bytes().add(sent).add(lost))
                         .set(264, Bytes().u32(7).u32(1).u64(2).u64(3).u64(4))
                         .set(265, Bytes().u32(0xc0000201).u64(5).u64(6).u64(7).u64(1001).u64(2002)));
  EXPECT_THAT(collector.records,
              ElementsAre(R"({"observationDomainId":7,"meteringProcessId":1,"exportedMessageTotalCount":2,)"
                          R"("exportedFlowRecordTotalCount":3,"exportedOctetTotalCount":4})",
                          R"({"exporterIPv4Address":"192.0.2.1","notSentFlowTotalCount":5,"notSentPacketTotalCount":6,)"
                          R"("notSentOctetTotalCount":7,"observationTimeMilliseconds":)"
                          R"(["1970-01-01T00:00:01.001Z","1970-01-01T00:00:02.002Z"]})"));
  EXPECT_EQ(collector.process.stats().options_records, 2U);
}

TEST(Rfc5471, FlowKeysOneTooWideAndOneOfAnUnknownTemplate) {
  CollectorUnderTest collector;
  collector.datagram(MessageBuilder()
                         .templates(template_record(256, {{0, 8, 4}, {0, 4, 1}}))
                         .options_templates(options_template_record(300, 1, {{0, 145, 2}, {0, 173, 8}}))
                         .set(300, Bytes().u16(256).u64(3).u16(256).u64(4).u16(999).u64(1)));
  EXPECT_EQ(collector.records.size(), 3U);
  EXPECT_THAT(collector.findings, ElementsAre(Finding::flow_key_ignored, Finding::flow_key_ignored));
  EXPECT_TRUE(is_for_the_log(Finding::flow_key_ignored));
}

// --- stress ---

TEST(Rfc5471, ManyRecords) {
  CollectorUnderTest collector;
  EXPECT_TRUE(collector.stream(MessageBuilder().templates(port)));
  Bytes records;
  for (std::uint32_t i = 0; i < 32'000; ++i) records.u16(i);
  for (std::uint32_t i = 0; i < 10; ++i) EXPECT_TRUE(collector.stream(MessageBuilder(i * 32'000).set(257, records)));
  EXPECT_EQ(collector.records.size(), 320'000U);
  EXPECT_THAT(collector.findings, IsEmpty());
}

TEST(Rfc5471, TheLargestTemplateAndTheLargestMessage) {
  // 16 octets of message, 4 of set, 4 of template: 16,377 fields fill 65,532 of 65,535.
  constexpr std::uint16_t fields = 16'377;
  Bytes widest = Bytes().u16(256).u16(fields);
  for (int i = 0; i < fields; ++i) widest.field({0, 4, 1});
  CollectorUnderTest collector;
  EXPECT_TRUE(collector.stream(MessageBuilder().templates(widest)));
  EXPECT_TRUE(collector.stream(MessageBuilder().set(256, Bytes().zeros(65'515))));
  EXPECT_EQ(collector.records.size(), 4U);
}

TEST(Rfc5471, TemplateFlood) {
  CollectorUnderTest collector;
  for (std::uint32_t id = 256; id < 65'536; ++id) {
    EXPECT_TRUE(
        collector.stream(MessageBuilder().templates(template_record(static_cast<std::uint16_t>(id), {{0, 4, 1}}))));
  }
  EXPECT_EQ(collector.process.stats().templates, ipfix::CollectingLimits().templates_per_domain);
  EXPECT_EQ(collector.count(Finding::template_refused), 65'280 - ipfix::CollectingLimits().templates_per_domain);
}

TEST(Rfc5471, ManyExporters) {
  CollectorUnderTest collector;
  for (int peer = 0; peer < 1'000; ++peer) {
    collector.datagram(MessageBuilder().templates(protocol).set(256, Bytes().u8(6)), peer, std::to_string(peer));
  }
  EXPECT_EQ(collector.records.size(), 1'000U);
  EXPECT_EQ(collector.process.sessions(), 1'000U);
  EXPECT_THAT(collector.findings, IsEmpty());
}

// --- errors ---

TEST(Rfc5471, HeaderAndLengthCorruptions) {
  for (const auto& [message, finding] :
       {std::pair{MessageBuilder().version(9), Finding::wrong_version},
        {MessageBuilder().version(0), Finding::wrong_version},
        {MessageBuilder().length(0), Finding::message_length_below_header},
        {MessageBuilder().length(17), Finding::message_longer_than_datagram},
        {MessageBuilder().set_of_length(256, 3, Bytes()), Finding::set_length_below_header},
        {MessageBuilder().set_of_length(256, 6, Bytes().u8(1)), Finding::set_beyond_message},
        {MessageBuilder().raw(Bytes().u16(256)), Finding::set_header_cut}}) {
    CollectorUnderTest udp;
    EXPECT_EQ(udp.datagram(message), finding);
    EXPECT_EQ(udp.process.stats().malformed_messages, 1U);
    EXPECT_EQ(udp.datagram(MessageBuilder().templates(protocol).set(256, Bytes().u8(6))), Finding::none);
    EXPECT_EQ(udp.records.size(), 1U) << "what follows is decoded";
  }
}

TEST(Rfc5471, LengthOf65535WithLittleSentHoldsUpOnlyItsOwnSession) {
  CollectorUnderTest collector;
  EXPECT_TRUE(collector.stream(MessageBuilder().length(65535)));
  EXPECT_EQ(collector.datagram(MessageBuilder().templates(protocol).set(256, Bytes().u8(6))), Finding::none);
  EXPECT_EQ(collector.records.size(), 1U);
  collector.process.close(collector.session);
  EXPECT_EQ(collector.count(Finding::message_cut), 1U);
}

TEST(Rfc5471, TooFewElements) {
  CollectorUnderTest collector;
  collector.datagram(MessageBuilder().templates(Bytes().u16(256).u16(3).field({0, 8, 4}).field({0, 12, 4})));
  EXPECT_THAT(collector.findings, ElementsAre(Finding::template_cut)) << "of a template";
  collector.datagram(MessageBuilder().templates(template_record(256, {{0, 8, 4}, {0, 12, 4}})));
  EXPECT_EQ(collector.datagram(MessageBuilder().set(256, Bytes().u32(1))), Finding::set_without_record);
}

TEST(Rfc5471, TooManyElements) {
  CollectorUnderTest collector;
  // The second field is taken for the next template: id 12, below 256.
  EXPECT_EQ(collector.datagram(MessageBuilder().templates(Bytes().u16(256).u16(1).field({0, 8, 4}).field({0, 12, 4}))),
            Finding::template_id_reserved);
  collector.datagram(MessageBuilder().templates(template_record(256, {{0, 8, 4}})));
  EXPECT_EQ(collector.datagram(MessageBuilder().set(256, Bytes().u32(1).u16(2))), Finding::none);
  EXPECT_EQ(collector.records.size(), 1U);
  EXPECT_EQ(collector.count(Finding::padding_not_zero), 1U) << "half a record is padding that is not zero";
}

TEST(Rfc5471, UnknownSetIds) {
  CollectorUnderTest collector;
  MessageBuilder message = MessageBuilder().templates(protocol);
  for (const std::uint16_t id : {0, 1, 4, 255}) message.set(id, Bytes().u32(1));
  EXPECT_TRUE(collector.stream(message.set(256, Bytes().u8(6))));
  EXPECT_EQ(collector.records.size(), 1U);
  EXPECT_EQ(collector.count(Finding::set_id_unknown), 4U);
}

TEST(Rfc5471, TemplateIdReuseWithoutWithdrawal) {
  const MessageBuilder first = MessageBuilder().templates(protocol);
  const MessageBuilder second = MessageBuilder().templates(template_record(256, {{0, 7, 2}})).set(256, Bytes().u16(80));
  CollectorUnderTest udp;
  CollectorUnderTest tcp;
  udp.datagram(first);
  udp.datagram(second);
  EXPECT_THAT(udp.records, ElementsAre(R"({"sourceTransportPort":80})")) << "replaced";
  EXPECT_TRUE(tcp.stream(first));
  EXPECT_FALSE(tcp.stream(second));
  EXPECT_THAT(tcp.findings, ElementsAre(Finding::template_redefined));
}

}  // namespace
