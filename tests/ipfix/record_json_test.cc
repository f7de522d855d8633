#include "ipfix/record_json.h"

#include <gtest/gtest.h>

#include <string>

#include "ipfix/json_text.h"
#include "tests/ipfix/collector_under_test.h"

namespace {

using ipfix::Element;
using ipfix::variable_length;
using ipfix_test::Bytes;
using ipfix_test::CollectorUnderTest;
using ipfix_test::Fields;
using ipfix_test::MessageBuilder;
using ipfix_test::template_record;

// The JSON of one record with these fields.
std::string json(Fields fields, const Bytes& record, CollectorUnderTest&& collector = CollectorUnderTest()) {
  collector.datagram(MessageBuilder().templates(template_record(256, fields)).set(256, record));
  if (collector.records.size() != 1) return "records: " + std::to_string(collector.records.size());
  return collector.records.front();
}

TEST(RecordJson, UnsignedIntegersOfEverySize) {
  EXPECT_EQ(json({{0, 4, 1}}, Bytes().u8(255)), R"({"protocolIdentifier":255})");
  EXPECT_EQ(json({{0, 7, 2}}, Bytes().u16(65535)), R"({"sourceTransportPort":65535})");
  EXPECT_EQ(json({{0, 7, 1}}, Bytes().u8(80)), R"({"sourceTransportPort":80})");
  EXPECT_EQ(json({{0, 10, 4}}, Bytes().u32(UINT32_MAX)), R"({"ingressInterface":4294967295})");
  EXPECT_EQ(json({{0, 1, 8}}, Bytes().u64(UINT64_MAX)), R"({"octetDeltaCount":18446744073709551615})");
  for (std::uint16_t size = 1; size <= 8; ++size) {
    EXPECT_EQ(json({{0, 1, size}}, Bytes().zeros(size - 1U).u8(200)), R"({"octetDeltaCount":200})") << size;
  }
}

TEST(RecordJson, SignedIntegersOfEverySize) {
  ipfix::Registry registry;
  registry.add({1, 1, "s8", ipfix::DataType::signed8});
  registry.add({1, 2, "s16", ipfix::DataType::signed16});
  registry.add({1, 3, "s32", ipfix::DataType::signed32});
  registry.add({1, 4, "s64", ipfix::DataType::signed64});
  const Bytes record = Bytes().u8(0x80).u16(0xfffe).u32(0x80000000).u64(0x8000000000000000).u8(0xff).u16(0xff).u8(0x80);
  EXPECT_EQ(json({{1, 1, 1}, {1, 2, 2}, {1, 3, 4}, {1, 4, 8}, {1, 4, 1}, {1, 4, 3}}, record,
                 CollectorUnderTest({}, registry)),
            R"({"s8":-128,"s16":-2,"s32":-2147483648,"s64":[-9223372036854775808,-1,65408]})");
}

TEST(RecordJson, Floats) {
  ipfix::Registry registry;
  registry.add({1, 1, "f32", ipfix::DataType::float32});
  registry.add({1, 2, "f64", ipfix::DataType::float64});
  EXPECT_EQ(
      json({{1, 1, 4}, {1, 2, 8}}, Bytes().u32(0x3dcccccd).u64(0xc000000000000000), CollectorUnderTest({}, registry)),
      R"({"f32":0.1,"f64":-2})");
  EXPECT_EQ(json({{1, 2, 4}}, Bytes().u32(0x3dcccccd), CollectorUnderTest({}, registry)), R"({"f64":0.1})")
      << "float64 as float32";
  EXPECT_EQ(json({{1, 1, 4}, {1, 1, 4}, {1, 1, 4}}, Bytes().u32(0x7fc00000).u32(0x7f800000).u32(0xff800000),
                 CollectorUnderTest({}, registry)),
            R"({"f32":["NaN","Infinity","-Infinity"]})");
}

TEST(RecordJson, Booleans) {
  EXPECT_EQ(json({{0, 276, 1}, {0, 276, 1}, {0, 276, 1}}, Bytes().u8(1).u8(2).u8(0)),
            R"({"dataRecordsReliability":[true,false,null]})");
}

TEST(RecordJson, Addresses) {
  EXPECT_EQ(json({{0, 8, 4}, {0, 56, 6}}, Bytes().u32(0xc0000201).u16(0x02ab).u32(0xcdef0001)),
            R"({"sourceIPv4Address":"192.0.2.1","sourceMacAddress":"02:ab:cd:ef:00:01"})");
  EXPECT_EQ(json({{0, 27, 16}}, Bytes().u64(0x20010db800000000).u64(1)), R"({"sourceIPv6Address":"2001:db8::1"})");
  EXPECT_EQ(json({{0, 28, 16}}, Bytes().u64(0).u64(0)), R"({"destinationIPv6Address":"::"})");
}

TEST(RecordJson, Times) {
  // 2026-11-22T10:00:00Z is 1795341600, in NTP seconds 4004330400.
  EXPECT_EQ(json({{0, 150, 4}}, Bytes().u32(1795341600)), R"({"flowStartSeconds":"2026-11-22T10:00:00Z"})");
  EXPECT_EQ(json({{0, 150, 4}}, Bytes().u32(0)), R"({"flowStartSeconds":"1970-01-01T00:00:00Z"})");
  EXPECT_EQ(json({{0, 150, 4}}, Bytes().u32(UINT32_MAX)), R"({"flowStartSeconds":"2106-02-07T06:28:15Z"})");
  EXPECT_EQ(json({{0, 152, 8}}, Bytes().u64(1795341600123)), R"({"flowStartMilliseconds":"2026-11-22T10:00:00.123Z"})");
  EXPECT_EQ(json({{0, 152, 8}}, Bytes().u64(UINT64_MAX)), R"({"flowStartMilliseconds":18446744073709551})")
      << "no RFC 3339 after the year 9999";
  // Half a second, and what an exporter makes of 123456 microseconds: the lowest 11 bits cleared (RFC 7011 6.1.9).
  EXPECT_EQ(json({{0, 154, 8}}, Bytes().u32(4004330400).u32(0x80000000)),
            R"({"flowStartMicroseconds":"2026-11-22T10:00:00.500000Z"})");
  const std::uint32_t fraction = static_cast<std::uint32_t>((std::uint64_t{123456} << 32) / 1000000) & 0xfffff800;
  EXPECT_EQ(json({{0, 154, 8}}, Bytes().u32(4004330400).u32(fraction)),
            R"({"flowStartMicroseconds":"2026-11-22T10:00:00.123456Z"})");
  const auto nanoseconds = static_cast<std::uint32_t>((std::uint64_t{123456789} << 32) / 1000000000);
  EXPECT_EQ(json({{0, 156, 8}}, Bytes().u32(4004330400).u32(nanoseconds)),
            R"({"flowStartNanoseconds":"2026-11-22T10:00:00.123456789Z"})");
  EXPECT_EQ(json({{0, 154, 8}}, Bytes().u32(4004330400).u32(0xffffffff)),
            R"({"flowStartMicroseconds":"2026-11-22T10:00:01.000000Z"})")
      << "rounded up to the next second";
  EXPECT_EQ(json({{0, 154, 8}}, Bytes().u32(0).u32(0)), R"({"flowStartMicroseconds":"2036-02-07T06:28:16.000000Z"})")
      << "the second NTP era";
}

TEST(RecordJson, VariableLengthAloneBeforeBetweenAndAfterFixed) {
  EXPECT_EQ(json({{0, 82, variable_length}}, Bytes().variable("eth0")), R"({"interfaceName":"eth0"})");
  EXPECT_EQ(json({{0, 82, variable_length}}, Bytes().long_variable(Bytes().text("eth0"))),
            R"({"interfaceName":"eth0"})");
  EXPECT_EQ(json({{0, 82, variable_length}, {0, 4, 1}, {0, 83, variable_length}, {0, 5, 1}},
                 Bytes().variable("a").u8(6).variable("").u8(7)),
            R"({"interfaceName":"a","protocolIdentifier":6,"interfaceDescription":"","ipClassOfService":7})");
  EXPECT_EQ(json({{0, 1, variable_length}}, Bytes().variable(Bytes().u16(300))), R"({"octetDeltaCount":300})")
      << "an integer of variable length";
  const std::string long_name(65000, 'x');
  EXPECT_EQ(json({{0, 82, variable_length}}, Bytes().long_variable(Bytes().text(long_name))),
            R"({"interfaceName":")" + long_name + "\"}");
}

TEST(RecordJson, OctetArraysAndUnknownElementsAreHexadecimal) {
  EXPECT_EQ(json({{0, 210, 3}}, Bytes().u8(0).u16(0x0aff)), R"({"paddingOctets":"000aff"})");
  EXPECT_EQ(json({{55829, 999, 2}}, Bytes().u16(0xbeef)), R"({"enterprise55829_999":"beef"})");
  EXPECT_EQ(json({{0, 32000, 2}}, Bytes().u16(1)), R"({"enterprise0_32000":"0001"})");
}

TEST(RecordJson, ReverseAndEnterpriseElements) {
  EXPECT_EQ(json({{29305, 1, 8}, {55829, 101, variable_length}}, Bytes().u64(5).variable("web-0")),
            R"({"reverseOctetDeltaCount":5,"sourcePodName":"web-0"})");
}

TEST(RecordJson, RepeatedElementsAreOneArrayWhereTheFirstStands) {
  EXPECT_EQ(
      json({{0, 10, 1}, {0, 4, 1}, {0, 10, 2}, {55829, 1, 1}, {55829, 1, 1}}, Bytes().u8(1).u8(6).u16(2).u8(3).u8(4)),
      R"({"ingressInterface":[1,2],"protocolIdentifier":6,"enterprise55829_1":["03","04"]})");
  EXPECT_EQ(json({{55829, 101, variable_length}, {56506, 101, variable_length}}, Bytes().variable("a").variable("b")),
            R"({"sourcePodName":["a","b"]})")
      << "two elements with one name";
}

TEST(RecordJson, HostileStringsStayValidJsonOnOneLine) {
  const auto name = [](std::string_view text) { return json({{0, 82, variable_length}}, Bytes().variable(text)); };
  EXPECT_EQ(name("a\"b\\c"), R"({"interfaceName":"a\"b\\c"})");
  EXPECT_EQ(name(std::string_view("a\0b", 3)), R"({"interfaceName":"a\u0000b"})");
  EXPECT_EQ(name("\n\r\x1b[2J\x7f"), R"({"interfaceName":"\u000a\u000d\u001b[2J\u007f"})");
  EXPECT_EQ(name("<b>&"), R"({"interfaceName":"\u003cb\u003e\u0026"})") << "no markup";
  EXPECT_EQ(name("\xc2\x9b"), R"({"interfaceName":"\u009b"})") << "CSI in UTF-8";
  EXPECT_EQ(name("\xe2\x80\xa8"), R"({"interfaceName":"\u2028"})");
  EXPECT_EQ(name("\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xa7"),
            "{\"interfaceName\":\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xa7\"}");
}

TEST(JsonText, IllFormedUtf8IsReplaced) {
  const auto text = [](std::string_view octets) {
    std::string out;
    ipfix::append_json_string(out, octets);
    return out;
  };
  const std::string r = "\xef\xbf\xbd";
  EXPECT_EQ(text("a\x80z"), "\"a" + r + "z\"") << "stray continuation";
  EXPECT_EQ(text("\xc0\xaf"), "\"" + r + r + "\"") << "overlong";
  EXPECT_EQ(text("\xe2\x82"), "\"" + r + "\"") << "cut at the end";
  EXPECT_EQ(text("\xe2\x82("), "\"" + r + "(\"") << "cut by another character";
  EXPECT_EQ(text("\xed\xa0\x80"), "\"" + r + r + r + "\"") << "surrogate";
  EXPECT_EQ(text("\xf4\x90\x80\x80"), "\"" + r + r + r + r + "\"") << "beyond U+10FFFF";
  EXPECT_EQ(text("\xff\xfe"), "\"" + r + r + "\"");
}

TEST(RecordJson, MetaKeysComeFirst) {
  CollectorUnderTest collector;
  collector.options.meta = true;
  collector.datagram(MessageBuilder(41, 9).templates(template_record(300, {{0, 4, 1}})).set(300, Bytes().u8(6)));
  ASSERT_EQ(collector.records.size(), 1U);
  EXPECT_EQ(collector.records[0], R"({"_exporter":"exporter","_domain":9,"_template":300,"_sequence":41,)"
                                  R"("_exportTime":"2026-11-22T10:00:00Z","protocolIdentifier":6})");
}

TEST(RecordJson, OptionsRecordsWithScope) {
  CollectorUnderTest collector;
  collector.datagram(
      MessageBuilder()
          .options_templates(ipfix_test::options_template_record(258, 2, {{0, 149, 4}, {0, 143, 4}, {0, 41, 2}}))
          .set(258, Bytes().u32(1).u32(2).u16(345).u8(0).u8(0)));
  ASSERT_EQ(collector.records.size(), 1U);
  EXPECT_EQ(collector.records[0], R"({"observationDomainId":1,"meteringProcessId":2,"exportedMessageTotalCount":345})");
}

TEST(RecordJson, BasicLists) {
  const Fields list = {{0, 291, variable_length}};
  EXPECT_EQ(json(list, Bytes().variable(Bytes().u8(4).field({0, 10, 4}).u32(1).u32(2))), R"({"basicList":[1,2]})");
  EXPECT_EQ(json(list, Bytes().variable(Bytes().u8(4).field({0, 10, 4}))), R"({"basicList":[]})");
  EXPECT_EQ(json(list, Bytes().variable(Bytes().u8(4).field({0, 82, variable_length}).variable("a").variable(""))),
            R"({"basicList":["a",""]})");
  EXPECT_EQ(json(list, Bytes().variable(Bytes().u8(4).field({4711, 1, 1}).u8(7))), R"({"basicList":["07"]})");
  const Bytes inner = Bytes().u8(4).field({0, 4, 1}).u8(6).u8(17);
  EXPECT_EQ(
      json(list, Bytes().variable(Bytes().u8(4).field({0, 291, variable_length}).variable(inner).variable(inner))),
      R"({"basicList":[[6,17],[6,17]]})");
}

TEST(RecordJson, SubTemplateLists) {
  CollectorUnderTest collector;
  Bytes templates = template_record(256, {{0, 4, 1}, {0, 292, variable_length}, {0, 293, variable_length}});
  templates.add(template_record(257, {{0, 8, 4}, {0, 82, variable_length}})).add(template_record(258, {{0, 7, 2}}));
  const Bytes list = Bytes().u8(3).u16(257).u32(0xc0000201).variable("x").u32(0xc0000202).variable("y");
  const Bytes parts = Bytes().u8(3).u16(258).u16(8).u16(80).u16(81).u16(999).u16(6).u16(0xabcd);
  collector.datagram(MessageBuilder().templates(templates).set(256, Bytes().u8(6).variable(list).variable(parts)));
  ASSERT_EQ(collector.records.size(), 1U);
  EXPECT_EQ(collector.records[0],
            R"({"protocolIdentifier":6,"subTemplateList":[{"sourceIPv4Address":"192.0.2.1","interfaceName":"x"},)"
            R"({"sourceIPv4Address":"192.0.2.2","interfaceName":"y"}],)"
            R"("subTemplateMultiList":[{"sourceTransportPort":80},{"sourceTransportPort":81},"abcd"]})");
}

TEST(RecordJson, EmptySubTemplateListOfUnknownTemplate) {
  EXPECT_EQ(json({{0, 292, variable_length}}, Bytes().variable(Bytes().u8(255).u16(999))), R"({"subTemplateList":[]})");
}

}  // namespace
