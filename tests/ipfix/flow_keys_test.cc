// The Flow Keys option at the start of a session, by hand from RFC 7011 section 4.4.
#include "ipfix/flow_keys.h"

#include <gtest/gtest.h>

#include "tests/ipfix/loopback_collector.h"

namespace ipfix {
namespace {

using namespace ipfix_test;

// flowStartSeconds, sourceIPv4Address, destinationIPv4Address, octetDeltaCount.
const Template described{256, 0, {{0, 150, 4}, {0, 8, 4}, {0, 12, 4}, {0, 1, 8}}};

bool is_address(const FieldSpecifier& field) {
  return field.enterprise == 0 && (field.id == 8 || field.id == 12);
}

TEST(FlowKeys, ABitForEachFieldAfterTheTemplates) {
  TcpCollector collector(0);
  ExportingProcess process({}, always(collector.address()), at_ms(0));
  ASSERT_TRUE(process.add_template(described));
  ASSERT_TRUE(add_flow_keys(process, 300, std::vector{described}, is_address));
  const auto sets = first_message(process, collector).sets;
  ASSERT_EQ(sets.size(), 3u);
  EXPECT_EQ(sets[0].id, 2);
  EXPECT_EQ(sets[1].id, 3);
  EXPECT_EQ(sets[1].body, from_hex("012c 0002 0001 0091 0002 00ad 0008"));
  EXPECT_EQ(sets[2].id, 300);
  EXPECT_EQ(sets[2].body, from_hex("0100 0000000000000006")) << "the second and the third field";
}

TEST(FlowKeys, FieldsBeyondThe64thHaveNoBit) {
  Template wide{256, 0, {}};
  for (int i = 0; i < 70; ++i) wide.fields.push_back({0, 8, 4});
  TcpCollector collector(0);
  ExportingProcess process({}, always(collector.address()), at_ms(0));
  ASSERT_TRUE(process.add_template(wide));
  ASSERT_TRUE(add_flow_keys(process, 300, std::vector{wide}, is_address));
  EXPECT_FALSE(add_flow_keys(process, 300, std::vector{wide}, is_address)) << "the id is taken";
}

}  // namespace
}  // namespace ipfix
