#include "ipfix/collecting_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ipfix/collector_under_test.h"

namespace {

using ipfix::Finding;
using ipfix::SessionKind;
using ipfix_test::Bytes;
using ipfix_test::CollectorUnderTest;
using ipfix_test::MessageBuilder;
using ipfix_test::options_template_record;
using ipfix_test::template_record;
using ipfix_test::withdrawal;
using testing::ElementsAre;
using testing::IsEmpty;

const Bytes protocol_template = template_record(256, {{0, 4, 1}});
const Bytes port_template = template_record(256, {{0, 7, 2}});

TEST(Templates, AreKeptPerSessionAndDomain) {
  CollectorUnderTest collector;
  collector.datagram(MessageBuilder(0, 1).templates(protocol_template), 0, "a");
  collector.datagram(MessageBuilder(0, 2).templates(port_template), 0, "a");
  collector.datagram(MessageBuilder(0, 1).set(256, Bytes().u8(6).u8(17)), 0, "a");
  collector.datagram(MessageBuilder(0, 2).set(256, Bytes().u16(80)), 0, "a");
  collector.datagram(MessageBuilder(0, 1).set(256, Bytes().u8(1)), 0, "b");
  EXPECT_THAT(collector.records, ElementsAre(R"({"protocolIdentifier":6})", R"({"protocolIdentifier":17})",
                                             R"({"sourceTransportPort":80})"));
  EXPECT_EQ(collector.count(Finding::data_set_held), 1U) << "b has sent no template";
}

TEST(Templates, RepetitionIsNoRedefinition) {
  CollectorUnderTest collector;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(collector.stream(MessageBuilder().templates(protocol_template)));
  EXPECT_EQ(collector.count(Finding::template_repeated), 2U);
}

TEST(Templates, UdpReplacesSilently) {
  CollectorUnderTest collector;
  EXPECT_EQ(collector.datagram(MessageBuilder(0).templates(protocol_template).set(256, Bytes().u8(6))), Finding::none);
  EXPECT_EQ(collector.datagram(MessageBuilder(1).templates(port_template).set(256, Bytes().u16(80))), Finding::none);
  EXPECT_THAT(collector.records, ElementsAre(R"({"protocolIdentifier":6})", R"({"sourceTransportPort":80})"));
  EXPECT_THAT(collector.findings, ElementsAre(Finding::template_replaced));
  EXPECT_EQ(severity(Finding::template_replaced), ipfix::Severity::remark);
}

TEST(Templates, RedefinitionOnAStreamEndsTheSession) {
  CollectorUnderTest collector;
  EXPECT_TRUE(collector.stream(MessageBuilder().templates(protocol_template)));
  EXPECT_FALSE(collector.stream(MessageBuilder().templates(port_template)));
  EXPECT_FALSE(collector.stream(MessageBuilder().set(256, Bytes().u8(6)))) << "nothing more is read";
  EXPECT_THAT(collector.findings, ElementsAre(Finding::template_redefined));
  EXPECT_THAT(collector.records, IsEmpty());
}

TEST(Templates, RedefinitionInAFileIsReportedAndUsed) {
  CollectorUnderTest collector;
  EXPECT_TRUE(collector.stream(MessageBuilder().templates(protocol_template), SessionKind::file));
  EXPECT_TRUE(collector.stream(MessageBuilder().templates(port_template).set(256, Bytes().u16(80))));
  EXPECT_THAT(collector.findings, ElementsAre(Finding::template_redefined));
  EXPECT_THAT(collector.records, ElementsAre(R"({"sourceTransportPort":80})"));
}

TEST(Templates, RedefinitionInsideOneMessage) {
  const auto message = MessageBuilder()
                           .templates(protocol_template)
                           .set(256, Bytes().u8(6))
                           .templates(port_template)
                           .set(256, Bytes().u16(80));
  CollectorUnderTest udp;
  EXPECT_EQ(udp.datagram(message), Finding::none);
  EXPECT_THAT(udp.records, ElementsAre(R"({"protocolIdentifier":6})", R"({"sourceTransportPort":80})"));
  CollectorUnderTest tcp;
  EXPECT_FALSE(tcp.stream(message));
  EXPECT_THAT(tcp.records, IsEmpty()) << "not even the record before the redefinition";
}

TEST(Templates, WithdrawalOnAStreamFreesTheId) {
  CollectorUnderTest collector;
  EXPECT_TRUE(collector.stream(MessageBuilder(0).templates(protocol_template).set(256, Bytes().u8(6))));
  EXPECT_TRUE(collector.stream(MessageBuilder(1).templates(withdrawal(256)).templates(port_template)));
  EXPECT_TRUE(collector.stream(MessageBuilder(1).set(256, Bytes().u16(80))));
  EXPECT_THAT(collector.records, ElementsAre(R"({"protocolIdentifier":6})", R"({"sourceTransportPort":80})"));
  EXPECT_THAT(collector.findings, IsEmpty());
}

TEST(Templates, WithdrawalTwiceOrOfAnUnknownTemplateIsIgnored) {
  CollectorUnderTest collector;
  EXPECT_TRUE(collector.stream(MessageBuilder().templates(protocol_template).templates(withdrawal(256))));
  EXPECT_TRUE(collector.stream(MessageBuilder().templates(withdrawal(256))));
  EXPECT_TRUE(collector.stream(MessageBuilder().templates(withdrawal(999))));
  EXPECT_THAT(collector.findings, ElementsAre(Finding::withdrawal_ignored, Finding::withdrawal_ignored));
}

TEST(Templates, WithdrawalOfAllOfOneKindLeavesTheOther) {
  const Bytes options = options_template_record(300, 1, {{0, 141, 1}, {0, 41, 1}});
  const auto both = MessageBuilder().templates(protocol_template).options_templates(options);
  const auto data = MessageBuilder().set(256, Bytes().u8(6)).set(300, Bytes().u8(1).u8(2));
  CollectorUnderTest without_data;
  without_data.stream(both);
  without_data.stream(MessageBuilder().templates(withdrawal(2)));
  without_data.stream(data);
  EXPECT_THAT(without_data.records, ElementsAre(R"({"lineCardId":1,"exportedMessageTotalCount":2})"));
  CollectorUnderTest without_options;
  without_options.stream(both);
  without_options.stream(MessageBuilder().options_templates(withdrawal(3)));
  without_options.stream(data);
  EXPECT_THAT(without_options.records, ElementsAre(R"({"protocolIdentifier":6})"));
}

TEST(Templates, WithdrawalInTheWrongSet) {
  CollectorUnderTest collector;
  EXPECT_TRUE(collector.stream(MessageBuilder().templates(protocol_template)));
  EXPECT_FALSE(collector.stream(MessageBuilder().options_templates(withdrawal(256))));
  EXPECT_THAT(collector.findings, ElementsAre(Finding::withdrawal_in_wrong_set));
}

TEST(Templates, WithdrawalOverUdpIsIgnored) {
  CollectorUnderTest collector;
  collector.datagram(MessageBuilder().templates(protocol_template));
  for (const std::uint16_t id : {256, 2}) collector.datagram(MessageBuilder().templates(withdrawal(id)));
  collector.datagram(MessageBuilder().options_templates(withdrawal(256)));
  collector.datagram(MessageBuilder().set(256, Bytes().u8(6)));
  EXPECT_THAT(collector.records, ElementsAre(R"({"protocolIdentifier":6})"));
  EXPECT_EQ(collector.count(Finding::withdrawal_ignored), 3U);
}

TEST(Templates, ExpireOverUdpAfterThreeRefreshIntervals) {
  CollectorUnderTest collector;
  const auto templates = MessageBuilder().templates(protocol_template);
  const auto data = MessageBuilder().set(256, Bytes().u8(6));
  const std::int64_t hour = 3'600'000;
  collector.datagram(templates, 0);
  collector.datagram(data, 100 * hour);
  EXPECT_EQ(collector.records.size(), 1U) << "never refreshed: the interval is unknown";
  collector.datagram(templates, 100 * hour);
  collector.datagram(templates, 101 * hour);
  collector.datagram(data, 101 * hour + 300 * hour);
  EXPECT_EQ(collector.records.size(), 2U) << "within three times the longest interval";
  collector.datagram(data, 101 * hour + 301 * hour);
  EXPECT_EQ(collector.records.size(), 2U);
  EXPECT_EQ(collector.count(Finding::template_expired), 1U);
}

TEST(Sets, PaddingAndUnknownSetIdsAreAccepted) {
  CollectorUnderTest collector;
  const auto message = MessageBuilder()
                           .templates(Bytes(template_record(256, {{0, 10, 4}})).zeros(2))
                           .set(4, Bytes().u32(0))
                           .set(255, Bytes().u8(1))
                           .set(0, Bytes().u8(1))
                           .set(256, Bytes().u32(1).zeros(3));
  EXPECT_EQ(collector.datagram(message), Finding::none);
  EXPECT_THAT(collector.records, ElementsAre(R"({"ingressInterface":1})"));
  EXPECT_EQ(collector.count(Finding::set_id_unknown), 3U);
  collector.datagram(MessageBuilder(1).set(256, Bytes().u32(1).u8(9)));
  EXPECT_EQ(collector.count(Finding::padding_not_zero), 1U);
}

TEST(MalformedMessage, IsDiscardedWholeWithItsTemplates) {
  CollectorUnderTest collector;
  const auto cut = MessageBuilder().templates(protocol_template).set(256, Bytes().u8(6)).set_of_length(256, 3, Bytes());
  EXPECT_EQ(collector.datagram(cut), Finding::set_length_below_header);
  EXPECT_EQ(collector.last_report.offset, 16U + 12 + 5);
  EXPECT_THAT(collector.records, IsEmpty());
  collector.datagram(MessageBuilder().set(256, Bytes().u8(6)));
  EXPECT_EQ(collector.count(Finding::data_set_held), 1U) << "its template is not known either";
  EXPECT_EQ(collector.process.stats().malformed_messages, 1U);
}

TEST(MalformedMessage, EndsAStreamNotAFile) {
  const auto malformed = MessageBuilder().set_of_length(256, 2, Bytes());
  const auto sound = MessageBuilder().templates(protocol_template).set(256, Bytes().u8(6));
  CollectorUnderTest stream;
  EXPECT_TRUE(stream.stream(sound));
  EXPECT_FALSE(stream.stream(malformed));
  CollectorUnderTest file;
  EXPECT_TRUE(file.stream(malformed, SessionKind::file));
  EXPECT_TRUE(file.stream(sound));
  EXPECT_EQ(file.records.size(), 1U);
  EXPECT_EQ(file.count(Finding::set_length_below_header), 1U);
}

TEST(MalformedMessage, IsReportedWithItsPlaceInTheStream) {
  CollectorUnderTest collector;
  collector.stream(MessageBuilder(), SessionKind::file);
  collector.stream(MessageBuilder().set_of_length(256, 0, Bytes()));
  EXPECT_EQ(collector.last_report.message_offset, 16U);
  EXPECT_EQ(collector.last_report.offset, 16U);
  EXPECT_FALSE(collector.stream(MessageBuilder().version(9)));
  EXPECT_EQ(collector.last_report.finding, Finding::wrong_version);
  EXPECT_EQ(collector.last_report.message_offset, 36U);
}

TEST(MalformedMessage, StreamThatEndsInsideAMessage) {
  CollectorUnderTest collector;
  EXPECT_TRUE(collector.stream(MessageBuilder().length(100)));
  collector.process.close(collector.session);
  EXPECT_THAT(collector.findings, ElementsAre(Finding::message_cut));
}

TEST(DataBeforeTemplate, IsHeldAndDecodedLater) {
  CollectorUnderTest collector;
  collector.datagram(MessageBuilder(0).set(256, Bytes().u8(6)));
  collector.datagram(MessageBuilder(0, 8).set(256, Bytes().u8(99)));
  collector.datagram(MessageBuilder(1).templates(protocol_template).set(256, Bytes().u8(17)));
  EXPECT_THAT(collector.records, ElementsAre(R"({"protocolIdentifier":6})", R"({"protocolIdentifier":17})"))
      << "in order, and not the other domain's";
  collector.process.close_all();
  EXPECT_THAT(collector.findings,
              ElementsAre(Finding::data_set_held, Finding::data_set_held, Finding::held_data_set_dropped));
}

TEST(DataBeforeTemplate, ThatDoesNotFitTheTemplate) {
  CollectorUnderTest collector;
  collector.datagram(MessageBuilder().set(256, Bytes().u8(200).u8(1)));
  EXPECT_EQ(collector.datagram(MessageBuilder().templates(template_record(256, {{0, 82, ipfix::variable_length}}))),
            Finding::none);
  EXPECT_EQ(collector.count(Finding::held_data_set_undecodable), 1U);
  EXPECT_THAT(collector.records, IsEmpty());
}

TEST(DataBeforeTemplate, IsBounded) {
  CollectorUnderTest collector({.held_octets_per_session = 10'000});
  for (int i = 0; i < 50; ++i) collector.datagram(MessageBuilder().set(256, Bytes().zeros(1000)));
  collector.datagram(MessageBuilder().set(256, Bytes().zeros(20'000)));
  EXPECT_GE(collector.count(Finding::held_data_set_dropped), 42U);
  collector.datagram(MessageBuilder().templates(protocol_template));
  EXPECT_LE(collector.records.size(), 10'000U);
  EXPECT_GE(collector.records.size(), 8'000U);
}

TEST(Limits, Domains) {
  CollectorUnderTest collector({.domains_per_session = 10});
  for (std::uint32_t domain = 0; domain < 1000; ++domain) {
    EXPECT_EQ(collector.datagram(MessageBuilder(0, domain).templates(protocol_template).set(256, Bytes().u8(6))),
              Finding::none);
  }
  EXPECT_EQ(collector.records.size(), 10U);
  EXPECT_EQ(collector.count(Finding::domain_refused), 990U);
}

TEST(Limits, Templates) {
  CollectorUnderTest collector({.templates_per_domain = 100});
  for (std::uint16_t id = 256; id < 1256; ++id) {
    collector.datagram(MessageBuilder().templates(template_record(id, {{0, 4, 1}})));
  }
  EXPECT_EQ(collector.count(Finding::template_refused), 900U);
  collector.datagram(MessageBuilder().set(355, Bytes().u8(6)).set(356, Bytes().u8(6)));
  EXPECT_EQ(collector.records.size(), 1U);
}

TEST(Limits, FieldsOfOneTemplateAndOfAll) {
  const auto wide = [](std::uint16_t id, int fields) {
    Bytes record = Bytes().u16(id).u16(static_cast<std::uint64_t>(fields));
    for (int i = 0; i < fields; ++i) record.field({0, 4, 1});
    return MessageBuilder().templates(record);
  };
  CollectorUnderTest collector({.fields_per_template = 100, .template_fields_per_session = 250});
  collector.datagram(wide(256, 101));
  EXPECT_EQ(collector.count(Finding::template_refused), 1U);
  collector.datagram(wide(257, 100));
  collector.datagram(wide(258, 100));
  EXPECT_EQ(collector.count(Finding::template_refused), 1U);
  collector.datagram(wide(259, 51));
  EXPECT_EQ(collector.count(Finding::template_refused), 2U);
  collector.datagram(wide(258, 50));
  collector.datagram(wide(259, 51));
  EXPECT_EQ(collector.count(Finding::template_refused), 2U) << "a replaced template gives its room back";
}

TEST(Limits, TheLargestTemplateIsTaken) {
  constexpr std::size_t fields = 16377;  // (65535 - 16 - 4 - 4) / 4
  Bytes record = Bytes().u16(256).u16(fields);
  for (std::size_t i = 0; i < fields; ++i) record.field({0, 4, 1});
  CollectorUnderTest collector;
  EXPECT_EQ(collector.datagram(MessageBuilder().templates(record)), Finding::none);
  collector.datagram(MessageBuilder().set(256, Bytes().zeros(fields)));
  ASSERT_EQ(collector.records.size(), 1U);
  EXPECT_EQ(collector.records[0].size(), std::string(R"({"protocolIdentifier":[]})").size() + 2 * fields - 1);
}

TEST(Limits, StreamSessions) {
  CollectorUnderTest collector({.sessions = 2});
  const auto first = collector.process.open(SessionKind::stream, "a");
  EXPECT_TRUE(collector.process.open(SessionKind::stream, "b").has_value());
  EXPECT_FALSE(collector.process.open(SessionKind::stream, "c").has_value());
  EXPECT_EQ(collector.count(Finding::session_refused), 1U);
  collector.process.close(*first);
  EXPECT_TRUE(collector.process.open(SessionKind::stream, "c").has_value());
}

TEST(Limits, TheIdlestDatagramSessionMakesRoom) {
  CollectorUnderTest collector({.sessions = 2});
  collector.datagram(MessageBuilder().templates(protocol_template), 1, "a");
  collector.datagram(MessageBuilder().templates(protocol_template), 2, "b");
  collector.datagram(MessageBuilder(), 3, "a");
  collector.datagram(MessageBuilder(), 4, "c");
  EXPECT_EQ(collector.count(Finding::session_evicted), 1U);
  EXPECT_EQ(collector.process.sessions(), 2U);
  collector.datagram(MessageBuilder().set(256, Bytes().u8(6)), 5, "a");
  EXPECT_EQ(collector.records.size(), 1U) << "a is still known";
}

TEST(Limits, NoiseOpensNoSession) {
  CollectorUnderTest collector;
  EXPECT_EQ(collector.datagram(MessageBuilder().version(9)), Finding::wrong_version);
  EXPECT_EQ(collector.process.sessions(), 0U);
}

}  // namespace
