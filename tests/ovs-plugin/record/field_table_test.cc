#include <gtest/gtest.h>

#include <algorithm>

#include "flowstore/address.h"
#include "ovs-plugin/record/layout.h"

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

const Layout layout;

std::vector<std::uint8_t> encoded(const flowstore::Flow& flow, const Names& names,
                                  flowstore::EndReason reason = flowstore::EndReason::active_timeout,
                                  const Layout& of = Layout()) {
  std::vector<std::uint8_t> buffer(max_record_octets);
  ipfix::RecordWriter out(buffer);
  const flowstore::Counters delta{1, 2, 3, 4};
  of.encode({flow, delta, reason, EncodedNames(names)}, out);
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
  const auto definitions = layout.templates();
  ASSERT_EQ(definitions.size(), 6u);  // denied_fields_test.cc has the others
  EXPECT_EQ(definitions[0].fields.size(), fields(Profile::antrea_55829, template_ipv4).size());
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
    const auto definitions = layout.templates();
    const auto find = [&](std::uint16_t id) {
      return std::find_if(definitions.begin(), definitions.end(), [id](const auto& t) { return t.id == id; })->fields;
    };
    std::vector<ipfix::FieldSpecifier> fields = find(exact);
    fields.push_back({0, 321, 8});
    EXPECT_EQ(find(template_of(flow)), fields);
  }
}

// Octet for octet as above, in the order and with the elements of 56506.
TEST(FieldTable, Profile56506ServiceFlowOctetForOctet) {
  flowstore::Flow flow = service_flow();
  flow.tcp_state = flowstore::TcpState::time_wait;
  flow.reply.destination = *flowstore::parse_address("10.10.0.254");  // the proxy put its own address and port there
  flow.reply.destination_port = 0x8001;
  Names names{"web-1", "shop", "node-a", "db-1", "store", "node-b", "store/db:pg", flow.original.destination};
  names.ends = {EndKind::pod_here, EndKind::pod_elsewhere};
  std::vector<std::uint8_t> expected;
  append(expected, {1, 2, 3, 4, 1, 2, 3, 6, 3});  // flowStartSeconds, flowEndSeconds, flowEndReason
  append(expected, {0x9c, 0x40, 0x14, 0x51, 6});  // 40000, 5201, TCP
  for (const std::uint8_t count : {0x0a, 0x0b, 1, 2}) append_u64(expected, count);
  append(expected, {10, 10, 0, 1, 10, 10, 0, 2});
  for (const std::uint8_t count : {0x0c, 0x0d, 3, 4}) append_u64(expected, count);
  for (const char* name : {"web-1", "shop", "node-a", "db-1", "store", "node-b"}) append_string(expected, name);
  append(expected, {0, 80});  // destinationServicePort
  append_string(expected, "store/db:pg");
  append(expected, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0});  // policies: three names, type and action of each direction
  append_string(expected, "TIME_WAIT");
  append(expected, {2, 0x80, 1});  // inter-Node, proxySnatPort
  append(expected, {10, 96, 0, 10, 10, 10, 0, 254, 10, 96, 0, 10});
  EXPECT_EQ(encoded(flow, names, flowstore::EndReason::end_of_flow, Layout(Profile::antrea_56506)), expected);
}

TEST(FieldTable, Profile56506HasBothFamiliesClusterIps) {
  const Layout newer(Profile::antrea_56506);
  const auto definitions = newer.templates();
  ASSERT_EQ(definitions.size(), 6u);
  const auto last = [&](std::size_t number, std::size_t from_end) {
    return definitions[number].fields[definitions[number].fields.size() - from_end];
  };
  EXPECT_EQ(last(0, 3), (ipfix::FieldSpecifier{56506, 106, 4}));
  EXPECT_EQ(last(1, 3), (ipfix::FieldSpecifier{56506, 107, 16}));
  EXPECT_EQ(last(2, 4), (ipfix::FieldSpecifier{56506, 106, 4}));
  EXPECT_EQ(last(2, 1), (ipfix::FieldSpecifier{0, 321, 8}));
  for (const ipfix::Template& definition : definitions) {
    for (const ipfix::FieldSpecifier& field : definition.fields) EXPECT_NE(field.enterprise, 55829u);
  }
  flowstore::Flow flow = service_flow();
  for (flowstore::Address* address : {&flow.original.source, &flow.reply.source, &flow.reply.destination}) {
    *address = *flowstore::parse_address("fd00::1");
  }
  flow.original.destination = *flowstore::parse_address("fd00:96::a");
  Names names;
  names.service_port_name = "store/db";
  names.service_address = flow.original.destination;
  const auto record = encoded(flow, names, flowstore::EndReason::active_timeout, newer);
  const auto octets_from = [&](std::size_t from_end) {
    flowstore::Address address;
    std::copy_n(record.end() - static_cast<long>(from_end), address.size(), address.begin());
    return address;
  };
  EXPECT_EQ(octets_from(48), flow.original.destination);
  EXPECT_EQ(octets_from(32), flowstore::Address{}) << "its source is unchanged";
  EXPECT_EQ(octets_from(16), flow.original.destination);
}

TEST(FieldTable, TcpStatesAreConntracksAndOthersHaveNone) {
  flowstore::Flow flow = service_flow();
  const auto state = [&](flowstore::TcpState of) {
    flow.tcp_state = of;
    const auto record = encoded(flow, {}, flowstore::EndReason::active_timeout, Layout(Profile::antrea_56506));
    constexpr long at = 9 + 5 + 64 + 8 + 6 + 2 + 1 + 10;  // behind the policies
    return std::string(record.begin() + at + 1, record.begin() + at + 1 + record[at]);
  };
  EXPECT_EQ(state(flowstore::TcpState::none), "");
  EXPECT_EQ(state(flowstore::TcpState::established), "ESTABLISHED");
  EXPECT_EQ(state(flowstore::TcpState::closed), "CLOSE");
}

TEST(FieldTable, TheLongestKubernetesNamesFit) {
  const std::string longest(253, 'n');
  const Names names{longest, longest, longest, longest, longest, longest, longest + "/" + longest + ":" + longest};
  EXPECT_LE(encoded(service_flow(), names).size(), max_record_octets);
}

}  // namespace
}  // namespace ofe::record
