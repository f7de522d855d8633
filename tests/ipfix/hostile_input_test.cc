// Every class of hostile input that has felled a collector elsewhere, one test each.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ipfix/value.h"
#include "tests/ipfix/collector_under_test.h"

namespace {

using ipfix::Finding;
using ipfix::variable_length;
using ipfix_test::Bytes;
using ipfix_test::CollectorUnderTest;
using ipfix_test::MessageBuilder;
using ipfix_test::options_template_record;
using ipfix_test::template_record;
using testing::IsEmpty;

// What the second message, data under the first one's template, is found to be.
Finding data_finding(const Bytes& templates, std::uint16_t id, const Bytes& data) {
  CollectorUnderTest collector;
  EXPECT_EQ(collector.datagram(MessageBuilder().templates(templates)), Finding::none);
  const Finding finding = collector.datagram(MessageBuilder().set(id, data));
  EXPECT_EQ(finding == Finding::none, !collector.records.empty());
  return finding;
}

Finding template_finding(const Bytes& templates) {
  return CollectorUnderTest().datagram(MessageBuilder().templates(templates));
}

TEST(Hostile, MessageLengths) {
  for (const auto& [length, finding] : {std::pair{0, Finding::message_length_below_header},
                                        {15, Finding::message_length_below_header},
                                        {21, Finding::message_longer_than_datagram},
                                        {65535, Finding::message_longer_than_datagram},
                                        {16, Finding::octets_after_message}}) {
    const auto message = MessageBuilder().set(256, Bytes()).length(static_cast<std::uint16_t>(length));
    EXPECT_EQ(CollectorUnderTest().datagram(message), finding) << length;
  }
}

TEST(Hostile, SetLengths) {
  for (const auto& [length, finding] : {std::pair{0, Finding::set_length_below_header},
                                        {3, Finding::set_length_below_header},
                                        {4, Finding::set_without_record},
                                        {9, Finding::set_beyond_message},
                                        {65535, Finding::set_beyond_message}}) {
    for (const std::uint16_t id : {2, 3, 4, 256}) {
      const Bytes body = length == 4 ? Bytes() : Bytes().u32(0);
      const auto message = MessageBuilder().set_of_length(id, static_cast<std::size_t>(length), body);
      EXPECT_EQ(CollectorUnderTest().datagram(message), finding) << "set " << id << " length " << length;
    }
  }
}

TEST(Hostile, TemplateRecords) {
  EXPECT_EQ(template_finding(template_record(255, {{0, 4, 1}})), Finding::template_id_reserved);
  EXPECT_EQ(template_finding(template_record(0, {{0, 4, 1}})), Finding::template_id_reserved);
  EXPECT_EQ(template_finding(Bytes().u16(256).u16(65535).field({0, 4, 1})), Finding::template_cut);
  EXPECT_EQ(template_finding(Bytes().u16(256).u16(1).u16(0x8001).u16(4).u16(1)), Finding::template_cut);
}

TEST(Hostile, TemplateOfZeroLengthFieldsWithDataBehindIt) {
  CollectorUnderTest collector;
  const Bytes endless = template_record(256, {{0, 82, 0}, {4711, 1, 0}});
  EXPECT_EQ(collector.datagram(MessageBuilder().templates(endless).set(256, Bytes().zeros(100))),
            Finding::template_of_empty_records);
  EXPECT_EQ(collector.datagram(MessageBuilder().set(256, Bytes().zeros(100))), Finding::none);
  EXPECT_THAT(collector.records, IsEmpty());
}

TEST(Hostile, ZeroLengthFieldsBesideOthersAreLegal) {
  EXPECT_EQ(data_finding(template_record(256, {{0, 82, 0}, {0, 4, 1}}), 256, Bytes().u8(6)), Finding::none);
}

TEST(Hostile, RecordsThatUnfoldWithoutEnd) {
  // 65,000 records of 10,000 empty fields: 650 million values from two small messages.
  Bytes wide = Bytes().u16(256).u16(10'001).field({0, 4, 1});
  for (int i = 0; i < 10'000; ++i) wide.field({0, 82, 0});
  EXPECT_EQ(data_finding(wide, 256, Bytes().zeros(65'000)), Finding::too_many_values);
}

TEST(Hostile, RecordLengthThatWraps16Bits) {
  // 65534 + 6 octets are 4 in 16 bits.
  const Bytes wrapping = template_record(256, {{4711, 1, 65534}, {4711, 2, 6}});
  EXPECT_EQ(data_finding(wrapping, 256, Bytes().u32(0)), Finding::set_without_record);
}

TEST(Hostile, SixteenThousandFields) {
  constexpr std::size_t fields = 16'000;
  Bytes record = Bytes().u16(256).u16(fields);
  for (std::size_t i = 0; i < fields; ++i) record.field({0, 1, 8});
  EXPECT_EQ(data_finding(record, 256, Bytes().zeros(65'000)), Finding::set_without_record);
}

TEST(Hostile, FloodsStayWithinTheirLimits) {
  const ipfix::CollectingLimits limits{.domains_per_session = 20, .templates_per_domain = 50};
  CollectorUnderTest collector(limits);
  for (std::uint32_t domain = 0; domain < 40; ++domain) {
    for (std::uint16_t id = 256; id < 356; ++id) {
      collector.datagram(MessageBuilder(0, domain).templates(template_record(id, {{0, 4, 1}})));
    }
  }
  EXPECT_EQ(collector.process.stats().templates, 20U * 50);
  EXPECT_EQ(collector.count(Finding::template_refused), 20U * 50);
  EXPECT_EQ(collector.count(Finding::domain_refused), 20U * 100);
}

TEST(Hostile, ElementLongerThanItsType) {
  EXPECT_EQ(template_finding(template_record(256, {{0, 8, 50}})), Finding::field_length_illegal);
  EXPECT_EQ(template_finding(template_record(256, {{0, 27, 17}})), Finding::field_length_illegal);
  EXPECT_EQ(data_finding(template_record(256, {{0, 8, variable_length}}), 256, Bytes().variable(Bytes().zeros(50))),
            Finding::value_length_illegal);
}

TEST(Hostile, IllegalReducedSizes) {
  EXPECT_EQ(template_finding(template_record(256, {{0, 8, 3}})), Finding::field_length_illegal);
  EXPECT_EQ(template_finding(template_record(256, {{0, 1, 9}})), Finding::field_length_illegal);
  EXPECT_EQ(template_finding(template_record(256, {{0, 1, 0}, {0, 4, 1}})), Finding::field_length_illegal);
  EXPECT_EQ(template_finding(template_record(256, {{0, 150, 3}})), Finding::field_length_illegal);
  EXPECT_EQ(template_finding(template_record(256, {{0, 152, 4}})), Finding::field_length_illegal);
  EXPECT_EQ(template_finding(template_record(256, {{0, 56, 4}})), Finding::field_length_illegal);
}

TEST(LegalLengths, ByType) {
  using ipfix::DataType;
  using ipfix::legal_length;
  for (std::size_t octets = 0; octets <= 40; ++octets) {
    EXPECT_EQ(legal_length(DataType::unsigned8, octets), octets == 1);
    EXPECT_EQ(legal_length(DataType::unsigned32, octets), octets >= 1 && octets <= 4);
    EXPECT_EQ(legal_length(DataType::signed64, octets), octets >= 1 && octets <= 8);
    EXPECT_EQ(legal_length(DataType::float32, octets), octets == 4);
    EXPECT_EQ(legal_length(DataType::float64, octets), octets == 4 || octets == 8);
    EXPECT_EQ(legal_length(DataType::boolean, octets), octets == 1);
    EXPECT_EQ(legal_length(DataType::mac_address, octets), octets == 6);
    EXPECT_EQ(legal_length(DataType::date_time_seconds, octets), octets == 4);
    EXPECT_EQ(legal_length(DataType::date_time_nanoseconds, octets), octets == 8);
    EXPECT_EQ(legal_length(DataType::ipv4_address, octets), octets == 4);
    EXPECT_EQ(legal_length(DataType::ipv6_address, octets), octets == 16);
    EXPECT_TRUE(legal_length(DataType::string, octets));
  }
}

TEST(Hostile, VariableLengthPastTheSetThoughInsideTheMessage) {
  CollectorUnderTest collector;
  const Bytes templates = template_record(256, {{0, 82, variable_length}});
  collector.datagram(MessageBuilder().templates(templates));
  for (const Bytes& record :
       {Bytes().u8(10).text("short"), Bytes().u8(255).u16(10).text("short"), Bytes().u8(255).u8(0)}) {
    const auto message = MessageBuilder().set(256, record).set(256, Bytes().variable("the next set, long enough"));
    EXPECT_EQ(collector.datagram(message), Finding::record_beyond_set);
  }
  EXPECT_THAT(collector.records, IsEmpty());
}

TEST(Hostile, TooFewElements) {
  const Bytes templates = template_record(256, {{0, 8, 4}, {0, 12, 4}});
  EXPECT_EQ(data_finding(templates, 256, Bytes().u32(1).u16(2)), Finding::set_without_record);
}

TEST(Hostile, OptionsScopeCounts) {
  for (const auto& [scope, finding] : {std::pair{0, Finding::scope_count_zero},
                                       {3, Finding::scope_count_beyond_fields},
                                       {65535, Finding::scope_count_beyond_fields}}) {
    const Bytes record = options_template_record(256, static_cast<std::uint16_t>(scope), {{0, 141, 4}, {0, 41, 4}});
    EXPECT_EQ(CollectorUnderTest().datagram(MessageBuilder().options_templates(record)), finding) << scope;
  }
}

TEST(Hostile, FlowKeyBitsBeyondTheTemplate) {
  const Bytes flow_keys = options_template_record(300, 1, {{0, 145, 2}, {0, 173, 8}});
  const auto findings = [&](std::uint16_t id, std::uint64_t keys) {
    CollectorUnderTest collector;
    EXPECT_EQ(collector.datagram(MessageBuilder()
                                     .templates(template_record(256, {{0, 8, 4}, {0, 4, 1}}))
                                     .options_templates(flow_keys)
                                     .set(300, Bytes().u16(id).u64(keys))),
              Finding::none);
    return collector.count(Finding::flow_key_ignored);
  };
  EXPECT_EQ(findings(256, 3), 0U);
  EXPECT_EQ(findings(256, 4), 1U);
  EXPECT_EQ(findings(256, UINT64_MAX), 1U);
  EXPECT_EQ(findings(999, 1), 1U) << "an unknown template";
}

TEST(Hostile, NetflowV9AndTlsOnThePort) {
  CollectorUnderTest collector;
  EXPECT_EQ(collector.datagram(MessageBuilder().version(9).length(1)), Finding::wrong_version);
  const auto session = collector.process.open(ipfix::SessionKind::stream, "client").value();
  const std::vector<std::uint8_t> hello = {0x16, 0x03, 0x01, 0x00, 0xf0, 0x01, 0x00, 0x00, 0xec, 0x03, 0x03};
  EXPECT_FALSE(collector.process.receive(session, hello, 0));
  EXPECT_EQ(collector.count(Finding::wrong_version), 2U);
}

// --- lists (RFC 6313) ---

const Bytes list_template = template_record(256, {{0, 291, variable_length}});

Finding list_finding(const Bytes& list) {
  return data_finding(list_template, 256, Bytes().long_variable(list));
}

TEST(HostileList, NestedThousandsDeep) {
  Bytes list = Bytes().u8(4).field({0, 4, 1}).u8(6);
  for (int depth = 0; depth < 5000; ++depth) {
    list = Bytes().u8(4).field({0, 291, variable_length}).long_variable(list);
  }
  EXPECT_EQ(list_finding(list), Finding::list_nested_too_deep);
}

TEST(HostileList, NestedWithinTheLimit) {
  Bytes list = Bytes().u8(4).field({0, 4, 1}).u8(6);
  for (int depth = 0; depth < 15; ++depth) list = Bytes().u8(4).field({0, 291, variable_length}).long_variable(list);
  EXPECT_EQ(list_finding(list), Finding::none);
  EXPECT_EQ(list_finding(Bytes().u8(4).field({0, 291, variable_length}).long_variable(list)),
            Finding::list_nested_too_deep);
}

TEST(HostileList, ZeroLengthElements) {
  EXPECT_EQ(list_finding(Bytes().u8(4).field({0, 82, 0}).zeros(100)), Finding::list_element_length_illegal);
  EXPECT_EQ(list_finding(Bytes().u8(4).field({4711, 1, 0}).zeros(100)), Finding::list_element_length_illegal);
  EXPECT_EQ(list_finding(Bytes().u8(4).field({0, 82, 0})), Finding::none) << "an empty list of empty strings";
}

TEST(HostileList, ElementsOfIllegalLength) {
  EXPECT_EQ(list_finding(Bytes().u8(4).field({0, 8, 50}).zeros(50)), Finding::list_element_length_illegal);
}

TEST(HostileList, Cut) {
  EXPECT_EQ(list_finding(Bytes()), Finding::list_cut);
  EXPECT_EQ(list_finding(Bytes().u8(4).u16(8)), Finding::list_cut);
  EXPECT_EQ(list_finding(Bytes().u8(4).u16(0x8001).u16(4).u16(0)), Finding::list_cut) << "cut enterprise number";
  EXPECT_EQ(list_finding(Bytes().u8(4).field({0, 8, 4}).zeros(6)), Finding::list_cut);
  EXPECT_EQ(list_finding(Bytes().u8(4).field({0, 82, variable_length}).u8(5).text("ab")), Finding::list_cut);
}

TEST(HostileList, SubTemplateListOfItsOwnTemplate) {
  const Bytes own = template_record(256, {{0, 292, variable_length}});
  EXPECT_EQ(data_finding(own, 256, Bytes().variable(Bytes().u8(3).u16(256).variable(Bytes().u8(3).u16(256)))),
            Finding::none);
  Bytes list = Bytes().u8(3).u16(256);
  for (int depth = 0; depth < 5000; ++depth) list = Bytes().u8(3).u16(256).long_variable(list);
  EXPECT_EQ(data_finding(own, 256, Bytes().long_variable(list)), Finding::list_nested_too_deep);
}

TEST(HostileList, SubTemplateLists) {
  Bytes templates = template_record(256, {{0, 292, variable_length}, {0, 293, variable_length}});
  templates.add(template_record(257, {{0, 8, 4}}));
  const auto finding = [&](const Bytes& list, const Bytes& multi_list) {
    return data_finding(templates, 256, Bytes().variable(list).variable(multi_list));
  };
  const Bytes sound = Bytes().u8(3).u16(257).u32(1);
  const Bytes no_parts = Bytes().u8(3);
  EXPECT_EQ(finding(sound, no_parts), Finding::none);
  EXPECT_EQ(finding(Bytes().u8(3), no_parts), Finding::list_cut);
  EXPECT_EQ(finding(Bytes().u8(3).u16(2), no_parts), Finding::list_template_id_reserved);
  EXPECT_EQ(finding(Bytes().u8(3).u16(257).u16(1), no_parts), Finding::list_cut) << "half a record";
  EXPECT_EQ(finding(sound, Bytes()), Finding::list_cut);
  EXPECT_EQ(finding(sound, Bytes().u8(3).u16(257).u16(3)), Finding::list_cut) << "shorter than its header";
  EXPECT_EQ(finding(sound, Bytes().u8(3).u16(257).u16(0)), Finding::list_cut);
  EXPECT_EQ(finding(sound, Bytes().u8(3).u16(257).u16(100).u32(1)), Finding::list_cut);
  EXPECT_EQ(finding(sound, Bytes().u8(3).u16(257).u16(8).u32(1).u16(257)), Finding::list_cut);
}

}  // namespace
