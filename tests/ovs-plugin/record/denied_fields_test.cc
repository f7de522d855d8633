#include <gtest/gtest.h>

#include "ovs-plugin/record/layout.h"

namespace ofe::record {
namespace {

flowstore::Address address(const char* text) {
  return *flowstore::parse_address(text);
}

// A UDP probe to port 9999 whose source address is wildcarded and whose destination is known by its first 24 bits.
denied::Drop probe() {
  denied::Drop drop;
  drop.key.in_port = "p1";
  drop.key.eth_type = 0x0800;
  drop.key.source = {address("0.0.0.0"), address("::ffff:0.0.0.0")};
  std::fill_n(drop.key.source.mask.begin(), 12, std::uint8_t{0xff});
  drop.key.destination = {address("10.79.0.0"), drop.key.source.mask};
  std::fill_n(drop.key.destination.mask.begin() + 12, 3, std::uint8_t{0xff});
  drop.key.protocol = {17, 0xff};
  drop.key.destination_port = {9999, 0xffff};
  drop.key.source_port = {0x1000, 0xf000};  // partly pinned: no port
  drop.verdict.kind = denied::DropKind::policy;
  drop.packets = 5;
  drop.octets = 0xf0;
  drop.first_wall_ms = std::int64_t{0x01020304} * 1000;
  drop.last_wall_ms = std::int64_t{0x01020306} * 1000;
  return drop;
}

std::vector<std::uint8_t> encoded(const denied::Drop& drop, const Names& names = {},
                                  Profile profile = Profile::antrea_55829) {
  std::vector<std::uint8_t> buffer(max_record_octets);
  ipfix::RecordWriter out(buffer);
  encode({drop, 2, 0x60, flowstore::EndReason::active_timeout, EncodedNames(names)}, out, profile);
  EXPECT_FALSE(out.overflow());
  return {out.written().begin(), out.written().end()};
}

// Worked out by hand from RFC 7011 section 6 and the element types.
TEST(DeniedFields, Ipv4OctetForOctet) {
  std::vector<std::uint8_t> expected = {
      1,   2,   3,    4,    1,  2,   3,   6,     // flowStartSeconds, flowEndSeconds
      0,   0,   0,    0,    0,                   // any source
      10,  79,  0,    0,    24,                  // destination
      0,   0,   0x27, 0x0f, 17,                  // port unknown, 9999, UDP
      0,   0,   0,    0,    0,  0,   0,   5,     // packetTotalCount
      0,   0,   0,    0,    0,  0,   0,   0xf0,  // octetTotalCount
      0,   0,   0,    0,    0,  0,   0,   2,     // packetDeltaCount
      0,   0,   0,    0,    0,  0,   0,   0x60,  // octetDeltaCount
      3,   'w', 'e',  'b',  4,  's', 'h', 'o',  'p', 2,
      'n', '1', 0,    0,    0,  0,   3,   130,  2};  // denied, dropped by an access control list, active timeout
  EXPECT_EQ(encoded(probe(), {"web", "shop", "n1", "", "", "", "", {}}), expected);
}

TEST(DeniedFields, Profile56506SaysWhichSidesPolicyWhereThatIsKnown) {
  const auto actions_and_type = [](EndKind source, EndKind destination, bool whole_destination) {
    denied::Drop drop = probe();
    if (whole_destination) drop.key.destination.mask.fill(0xff);
    Names names;
    names.ends = {source, destination};
    const auto record = encoded(drop, names, Profile::antrea_56506);
    EXPECT_EQ(record.size(), 8u + 10 + 5 + 32 + 6 + 3 + 3 + 3);
    return std::vector<std::uint8_t>(record.end() - 6, record.end() - 3);
  };
  using Three = std::vector<std::uint8_t>;  // ingress, egress, flowType
  EXPECT_EQ(actions_and_type(EndKind::pod_elsewhere, EndKind::pod_here, true), (Three{2, 0, 2}));
  EXPECT_EQ(actions_and_type(EndKind::outside, EndKind::pod_here, true), (Three{2, 0, 4}));
  EXPECT_EQ(actions_and_type(EndKind::pod_here, EndKind::outside, true), (Three{0, 2, 3}));
  EXPECT_EQ(actions_and_type(EndKind::pod_here, EndKind::pod_here, true), (Three{0, 0, 1})) << "either's policy";
  EXPECT_EQ(actions_and_type(EndKind::pod_here, EndKind::outside, false), (Three{0, 0, 0})) << "to anybody";
}

TEST(DeniedFields, Profile56506HasItsElements) {
  const auto definitions = Layout(Profile::antrea_56506).templates();
  for (const std::size_t number : {4, 5}) {
    const auto& fields = definitions[number].fields;
    EXPECT_EQ(fields[13], (ipfix::FieldSpecifier{56506, 101, 65535}));
    EXPECT_EQ(fields[19], (ipfix::FieldSpecifier{56506, 108, 2}));
    EXPECT_EQ(fields[20], (ipfix::FieldSpecifier{56506, 109, 65535}));
    EXPECT_EQ(fields[21], (ipfix::FieldSpecifier{56506, 139, 1}));
    EXPECT_EQ(fields[22], (ipfix::FieldSpecifier{56506, 140, 1}));
    EXPECT_EQ(fields[23], (ipfix::FieldSpecifier{56506, 137, 1}));
    EXPECT_EQ(fields.size(), 27u);
  }
}

TEST(DeniedFields, OnlyAPolicysDropIsCalledDenied) {
  denied::Drop drop = probe();
  const std::pair<denied::DropKind, int> statuses[] = {{denied::DropKind::anti_spoofing, 140},
                                                       {denied::DropKind::table_miss, 131},
                                                       {denied::DropKind::invalid_state, 128},
                                                       {denied::DropKind::unclassified, 128}};
  for (const auto& [kind, status] : statuses) {
    drop.verdict.kind = kind;
    const auto record = encoded(drop);
    EXPECT_EQ(record[record.size() - 3], 0);
    EXPECT_EQ(record[record.size() - 2], status);
  }
}

TEST(DeniedFields, Ipv6HasItsOwnTemplate) {
  denied::Drop drop = probe();
  drop.key.eth_type = 0x86dd;
  drop.key.source = {address("fd79::1"), {}};
  drop.key.source.mask.fill(0xff);
  drop.key.destination = {};
  EXPECT_EQ(denied_template_of(drop), template_denied_ipv6);
  const auto record = encoded(drop);
  EXPECT_EQ(record.size(), 8u + 17 + 17 + 5 + 32 + 7 + 3);
  EXPECT_EQ(record[8], 0xfd);
  EXPECT_EQ(record[24], 128);
  EXPECT_EQ(record[41], 0);
}

TEST(DeniedFields, TemplatesAreTheTableWithTheRegistrysElements) {
  auto definitions = Layout().templates();
  definitions.erase(definitions.begin(), definitions.begin() + 4);  // of connections: field_table_test.cc
  ASSERT_EQ(definitions.size(), 2u);
  EXPECT_EQ(definitions[0].id, template_denied_ipv4);
  EXPECT_EQ(definitions[1].id, template_denied_ipv6);
  EXPECT_EQ(definitions[0].fields.size(), denied_fields(Profile::antrea_55829, template_denied_ipv4).size());
  EXPECT_EQ(definitions[0].fields[3], (ipfix::FieldSpecifier{0, 9, 1}));
  EXPECT_EQ(definitions[0].fields[5], (ipfix::FieldSpecifier{0, 13, 1}));
  EXPECT_EQ(definitions[1].fields[3], (ipfix::FieldSpecifier{0, 29, 1}));
  EXPECT_EQ(definitions[1].fields[5], (ipfix::FieldSpecifier{0, 30, 1}));
  EXPECT_EQ(definitions[0].fields[20], (ipfix::FieldSpecifier{0, 233, 1}));
}

TEST(DeniedFields, TheLongestKubernetesNamesFit) {
  const std::string longest(253, 'n');
  const Names names{longest, longest, longest, longest, longest, longest, longest + "/" + longest + ":" + longest, {}};
  EXPECT_LE(encoded(probe(), names).size(), max_record_octets);
}

}  // namespace
}  // namespace ofe::record
