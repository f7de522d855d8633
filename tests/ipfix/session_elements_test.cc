#include "ipfix/session_elements.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ipfix/collector_under_test.h"

namespace {

using ipfix::DataType;
using ipfix::Finding;
using ipfix::variable_length;
using ipfix_test::Bytes;
using ipfix_test::CollectorUnderTest;
using ipfix_test::MessageBuilder;
using ipfix_test::template_record;
using testing::ElementsAre;

// RFC 5610 section 3.9, with semantics and without units and range.
const Bytes type_template = ipfix_test::options_template_record(
    400, 2, {{0, 346, 4}, {0, 303, 2}, {0, 339, 1}, {0, 344, 1}, {0, 341, variable_length}, {0, 340, variable_length}});

Bytes type_record(std::uint32_t enterprise, std::uint16_t id, DataType type, std::string_view name) {
  return Bytes().u32(enterprise).u16(id).u8(static_cast<std::uint8_t>(type)).u8(0).variable(name).variable("text");
}

TEST(TypeRecords, TeachNamesAndTypes) {
  CollectorUnderTest collector;
  const Bytes data = template_record(256, {{4711, 1, 4}, {4711, 2, variable_length}});
  collector.datagram(MessageBuilder(0).templates(data).set(256, Bytes().u32(1).variable("a")));
  collector.datagram(MessageBuilder(1)
                         .options_templates(type_template)
                         .set(400, Bytes()
                                       .add(type_record(4711, 1, DataType::unsigned32, "vendorCount"))
                                       .add(type_record(4711, 0x8002, DataType::string, "vendorText"))));
  collector.datagram(MessageBuilder(3).set(256, Bytes().u32(1).variable("a")));
  ASSERT_EQ(collector.records.size(), 4U);
  EXPECT_EQ(collector.records[0], R"({"enterprise4711_1":"00000001","enterprise4711_2":"61"})");
  EXPECT_EQ(collector.records[3], R"({"vendorCount":1,"vendorText":"a"})") << "the template was there before";
}

TEST(TypeRecords, StayInTheirSession) {
  CollectorUnderTest collector;
  const auto data = MessageBuilder().templates(template_record(256, {{4711, 1, 1}})).set(256, Bytes().u8(1));
  collector.datagram(MessageBuilder()
                         .options_templates(type_template)
                         .set(400, type_record(4711, 1, DataType::unsigned8, "vendorCount")),
                     0, "a");
  collector.records.clear();
  collector.datagram(data, 0, "a");
  collector.datagram(data, 0, "b");
  EXPECT_THAT(collector.records, ElementsAre(R"({"vendorCount":1})", R"({"enterprise4711_1":"01"})"));
}

TEST(TypeRecords, WhoseTypeDoesNotFitTheTemplateNameHexadecimalValues) {
  CollectorUnderTest collector;
  collector.datagram(MessageBuilder(0)
                         .options_templates(type_template)
                         .set(400, type_record(4711, 1, DataType::ipv4_address, "vendorAddress")));
  EXPECT_EQ(
      collector.datagram(MessageBuilder(1).templates(template_record(256, {{4711, 1, 6}})).set(256, Bytes().zeros(6))),
      Finding::none);
  EXPECT_EQ(collector.records.back(), R"({"vendorAddress":"000000000000"})");
}

TEST(SessionElements, NeverOverrideWhatIsKnown) {
  ipfix::SessionElements elements(ipfix::Registry::builtin(), 100);
  EXPECT_FALSE(elements.learn({0, 8, "attackerAddress", DataType::string}));
  EXPECT_FALSE(elements.learn({0, 32000, "newIanaElement", DataType::string})) << "IANA's are IANA's to define";
  EXPECT_FALSE(elements.learn({29305, 32000, "reverseNew", DataType::string}));
  EXPECT_FALSE(elements.learn({55829, 101, "sourcePodName", DataType::unsigned8}));
  EXPECT_TRUE(elements.learn({55829, 101, "sourcePodName", DataType::string})) << "what is known already";
  EXPECT_TRUE(elements.learn({4711, 1, "first", DataType::string}));
  EXPECT_FALSE(elements.learn({4711, 1, "second", DataType::string})) << "not even what was learned";
  bool learned = false;
  EXPECT_EQ(elements.find_element(4711, 1, learned)->name, "first");
  EXPECT_TRUE(learned);
  EXPECT_EQ(elements.find_element(0, 8, learned)->name, "sourceIPv4Address");
  EXPECT_FALSE(learned);
}

TEST(SessionElements, TakeOnlySensibleNames) {
  ipfix::SessionElements elements(ipfix::Registry::builtin(), 100);
  for (const std::string name : {"", "_exporter", "a\"b", "a b", "1a", "<script>", "=cmd()", "enterprise1_2"}) {
    EXPECT_FALSE(elements.learn({4711, 1, name, DataType::string})) << name;
  }
  EXPECT_FALSE(elements.learn({4711, 1, std::string(200, 'a'), DataType::string}));
  EXPECT_FALSE(elements.learn({4711, 1, "sourceIPv4Address", DataType::string})) << "one name, one type";
  EXPECT_TRUE(elements.learn({4711, 1, "sourceIPv4Address", DataType::ipv4_address}));
  EXPECT_TRUE(elements.learn({4711, 2, "enterpriseName", DataType::string}));
}

TEST(SessionElements, AreBounded) {
  ipfix::SessionElements elements(ipfix::Registry::builtin(), 10);
  int learned = 0;
  for (std::uint16_t id = 1; id <= 100; ++id) {
    if (elements.learn({4711, id, "name" + std::to_string(id), DataType::string})) ++learned;
  }
  EXPECT_EQ(learned, 10);
}

TEST(TypeRecords, OfNoSenseAreIgnored) {
  CollectorUnderTest collector;
  EXPECT_EQ(collector.datagram(MessageBuilder()
                                   .options_templates(type_template)
                                   .set(400, Bytes()
                                                 .add(Bytes().u32(4711).u16(1).u8(200).u8(0).variable("a").variable(""))
                                                 .add(type_record(0, 8, DataType::string, "attackerAddress")))),
            Finding::none);
  EXPECT_EQ(collector.count(Finding::type_record_ignored), 2U);
}

}  // namespace
