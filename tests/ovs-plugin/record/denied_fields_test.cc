#include "ovs-plugin/record/denied_fields.h"

#include <gtest/gtest.h>

#include "ovs-plugin/record/field_table.h"

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

std::vector<std::uint8_t> encoded(const denied::Drop& drop, const Names& names = {}) {
  std::vector<std::uint8_t> buffer(max_record_octets);
  ipfix::RecordWriter out(buffer);
  encode({drop, 2, 0x60, flowstore::EndReason::active_timeout, names}, out);
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
  const auto definitions = denied_templates();
  ASSERT_EQ(definitions.size(), 2u);
  EXPECT_EQ(definitions[0].fields.size(), denied_fields_ipv4().size());
  EXPECT_EQ(definitions[0].fields[3], (ipfix::FieldSpecifier{0, 9, 1}));
  EXPECT_EQ(definitions[0].fields[5], (ipfix::FieldSpecifier{0, 13, 1}));
  EXPECT_EQ(definitions[1].fields[3], (ipfix::FieldSpecifier{0, 29, 1}));
  EXPECT_EQ(definitions[1].fields[5], (ipfix::FieldSpecifier{0, 30, 1}));
  EXPECT_EQ(definitions[0].fields[20], (ipfix::FieldSpecifier{0, 233, 1}));
  EXPECT_EQ(templates()[4], definitions[0]);
  EXPECT_EQ(templates()[5], definitions[1]);
}

TEST(DeniedFields, TheLongestKubernetesNamesFit) {
  const std::string longest(253, 'n');
  const Names names{longest, longest, longest, longest, longest, longest, longest + "/" + longest + ":" + longest, {}};
  EXPECT_LE(encoded(probe(), names).size(), max_record_octets);
}

}  // namespace
}  // namespace ofe::record
