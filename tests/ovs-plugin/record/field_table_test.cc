#include "ovs-plugin/record/field_table.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "flowstore/address.h"

namespace ofe::record {
namespace {

flowstore::Flow service_flow() {
  flowstore::Flow flow;
  flow.original = {*flowstore::parse_address("10.10.0.1"), *flowstore::parse_address("10.96.0.10"), 40000, 80, 6};
  flow.reply = {*flowstore::parse_address("10.10.0.2"), *flowstore::parse_address("10.10.0.1"), 5201, 40000, 6};
  flow.start_wall_ms = std::int64_t{0x01020304} * 1000 + 999;
  flow.last_wall_ms = std::int64_t{0x01020306} * 1000;
  flow.total = {0x0a, 0x0b, 0x0c, 0x0d};
  flow.statistics = flowstore::Statistics::exact;
  return flow;
}

std::vector<std::uint8_t> encoded(const flowstore::Flow& flow, const Names& names,
                                  flowstore::EndReason reason = flowstore::EndReason::active_timeout) {
  std::vector<std::uint8_t> buffer(max_record_octets);
  ipfix::RecordWriter out(buffer);
  const flowstore::Counters delta{1, 2, 3, 4};
  encode({flow, delta, reason, names}, out);
  EXPECT_FALSE(out.overflow());
  return {out.written().begin(), out.written().end()};
}

void append(std::vector<std::uint8_t>& to, std::initializer_list<int> octets) {
  for (const int octet : octets) to.push_back(static_cast<std::uint8_t>(octet));
}
void append_u64(std::vector<std::uint8_t>& to, std::uint8_t low) {
  append(to, {0, 0, 0, 0, 0, 0, 0, low});
}
void append_string(std::vector<std::uint8_t>& to, std::string_view text) {
  to.push_back(static_cast<std::uint8_t>(text.size()));
  to.insert(to.end(), text.begin(), text.end());
}

// Worked out by hand from RFC 7011 section 6 and the element types.
TEST(FieldTable, Ipv4ServiceFlowOctetForOctet) {
  std::vector<std::uint8_t> expected;
  append(expected, {1, 2, 3, 4, 1, 2, 3, 6});      // flowStartSeconds, flowEndSeconds
  append(expected, {10, 10, 0, 1, 10, 10, 0, 2});  // source, the endpoint behind the Service
  append(expected, {0x9c, 0x40, 0x14, 0x51, 6});   // 40000, 5201, TCP
  for (const int count : {0x0a, 0x0b, 1, 2, 0x0c, 0x0d, 3, 4}) append_u64(expected, static_cast<std::uint8_t>(count));
  for (const char* name : {"web-1", "shop", "node-a", "db-1", "store", "node-b"}) append_string(expected, name);
  append(expected, {10, 96, 0, 10});
  append_string(expected, "store/db:pg");
  append(expected, {3});
  const Names names{"web-1", "shop",   "node-a",      "db-1",
                    "store", "node-b", "store/db:pg", *flowstore::parse_address("10.96.0.10")};
  EXPECT_EQ(encoded(service_flow(), names, flowstore::EndReason::end_of_flow), expected);
}

TEST(FieldTable, WithoutAServiceTheClusterIpIsUnset) {
  const auto record = encoded(service_flow(), {});
  const std::vector<std::uint8_t> tail(record.end() - 12, record.end());
  EXPECT_EQ(tail, (std::vector<std::uint8_t>{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}));  // 6 empty names, IP, name, reason
}

TEST(FieldTable, Ipv6HasNoClusterIp) {
  flowstore::Flow flow = service_flow();
  flow.original.source = *flowstore::parse_address("fd00::1");
  flow.reply.source = *flowstore::parse_address("fd00::2");
  EXPECT_EQ(template_of(flow), template_ipv6);
  const auto record = encoded(flow, {});
  EXPECT_EQ(record.size(), 8u + 32 + 5 + 64 + 6 + 1 + 1);
  EXPECT_EQ(record[8], 0xfd);
  EXPECT_EQ(record[23], 1);
  EXPECT_EQ(record[39], 2);
}

TEST(FieldTable, IcmpCarriesIdentifierAndTypeCode) {
  flowstore::Flow flow = service_flow();
  flow.original.protocol = flow.reply.protocol = 1;
  flow.original.source_port = 77;
  flow.original.destination_port = 8 * 256;
  flow.reply.source_port = 77;
  flow.reply.destination_port = 0;
  const auto record = encoded(flow, {});
  EXPECT_EQ((std::vector<std::uint8_t>(record.begin() + 16, record.begin() + 21)),
            (std::vector<std::uint8_t>{0, 77, 8, 0, 1}));
}

TEST(FieldTable, TemplatesAreTheTableWithTheRegistrysSizes) {
  const auto definitions = templates();
  ASSERT_EQ(definitions.size(), 6u);  // denied_fields_test.cc has the others
  EXPECT_EQ(definitions[0].fields.size(), fields_ipv4().size());
  EXPECT_EQ(definitions[0].fields[0], (ipfix::FieldSpecifier{0, 150, 4}));
  EXPECT_EQ(definitions[0].fields[2], (ipfix::FieldSpecifier{0, 8, 4}));
  EXPECT_EQ(definitions[0].fields[11], (ipfix::FieldSpecifier{29305, 86, 8}));
  EXPECT_EQ(definitions[0].fields[15], (ipfix::FieldSpecifier{55829, 101, 65535}));
  EXPECT_EQ(definitions[0].fields[21], (ipfix::FieldSpecifier{55829, 106, 4}));
  EXPECT_EQ(definitions[1].fields[2], (ipfix::FieldSpecifier{0, 27, 16}));
}

// An estimate is marked in the record itself, in a template of its own; the templates of exact records are untouched.
TEST(FieldTable, EstimatedCountersCarryTheirRelativeErrorLast) {
  for (const char* source : {"10.10.0.1", "fd00::1"}) {
    flowstore::Flow flow = service_flow();
    flow.original.source = *flowstore::parse_address(source);
    if (!flowstore::is_ipv4(flow.original.source)) flow.reply.source = *flowstore::parse_address("fd00::2");
    const std::uint16_t exact = template_of(flow);
    std::vector<std::uint8_t> expected = encoded(flow, {});
    flow.statistics = flowstore::Statistics::none;
    auto unknown = expected;
    append(unknown, {0x41, 0x2e, 0x84, 0x80, 0, 0, 0, 0});  // 1,000,000 as IEEE 754 binary64
    EXPECT_EQ(encoded(flow, {}), unknown) << "nothing counted it: its zeros are no exact counters";
    flow.statistics = flowstore::Statistics::estimated;
    flow.relative_error = flowstore::ErrorPercent::at_least(150);
    append(expected, {0x40, 0x62, 0xc0, 0, 0, 0, 0, 0});  // 150
    EXPECT_EQ(encoded(flow, {}), expected);
    EXPECT_NE(template_of(flow), exact);
    const auto definitions = templates();
    const auto find = [&](std::uint16_t id) {
      return std::find_if(definitions.begin(), definitions.end(), [id](const auto& t) { return t.id == id; })->fields;
    };
    std::vector<ipfix::FieldSpecifier> fields = find(exact);
    fields.push_back({0, 321, 8});
    EXPECT_EQ(find(template_of(flow)), fields);
  }
}

TEST(FieldTable, TheLongestKubernetesNamesFit) {
  const std::string longest(253, 'n');
  const Names names{longest, longest, longest, longest, longest, longest, longest + "/" + longest + ":" + longest};
  EXPECT_LE(encoded(service_flow(), names).size(), max_record_octets);
}

}  // namespace
}  // namespace ofe::record
