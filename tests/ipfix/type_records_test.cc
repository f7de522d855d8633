// RFC 5610 type records at the start of a session, by hand from its section 3.9, and as our collecting process reads
// them.
#include "ipfix/type_records.h"

#include <gtest/gtest.h>

#include "ipfix/element.h"
#include "tests/ipfix/loopback_collector.h"

namespace ipfix {
namespace {

using namespace ipfix_test;

// sourcePodName 101, reverseOctetDeltaCount (RFC 5103), octetDeltaCount, an enterprise element nobody knows.
const Template described{256, 0, {{55829, 101, 65535}, {29305, 1, 8}, {0, 1, 8}, {4711, 1, 4}}};
const Template again{257, 0, {{55829, 101, 65535}}};

TEST(TypeRecords, ComeFirstAndOncePerElement) {
  TcpCollector collector(0);
  ExportingProcess process({}, always(collector.address()), at_ms(0));
  ASSERT_TRUE(add_type_records(process, 300, std::vector{described, again}));
  ASSERT_TRUE(process.add_template(described));
  const auto sets = first_message(process, collector).sets;
  ASSERT_EQ(sets.size(), 3u);
  EXPECT_EQ(sets[0].id, 3) << "an Options Template Set";
  EXPECT_EQ(sets[0].body, from_hex("012c 0009 0002"                 // template 300, 9 fields, of which 2 scope
                                   "015a 0004 012f 0002"            // privateEnterpriseNumber, informationElementId
                                   "0153 0001 0158 0001 0159 0002"  // type, semantics, units
                                   "0156 0008 0157 0008 0155 ffff 0154 ffff"));  // range, name, description
  EXPECT_EQ(sets[1].id, 300);
  EXPECT_EQ(sets[1].body, from_hex("0000da15 0065 0d 00 0000"  // 55829, 101, string
                                   "0000000000000000 0000000000000000 0d 736f75726365506f644e616d65 00"));
  EXPECT_EQ(sets[2].id, 2);
}

TEST(TypeRecords, AnIdThatIsTaken) {
  ExportingProcess process(
      {}, [](std::string&) { return std::nullopt; }, at_ms(0));
  ASSERT_TRUE(process.add_template(described));
  EXPECT_FALSE(add_type_records(process, 256, std::vector{described}));
  EXPECT_FALSE(add_type_records(process, 255, std::vector{described}));
}

TEST(TypeRecords, SemanticsAndUnitsOfTheTables) {
  const Element* octets = Registry::builtin().find("octetDeltaCount");
  ASSERT_NE(octets, nullptr);
  EXPECT_EQ(octets->semantics, Semantics::delta_counter);
  EXPECT_EQ(octets->units, Units::octets);
  EXPECT_EQ(Registry::builtin().find("reverseOctetDeltaCount")->semantics, Semantics::delta_counter);
  EXPECT_EQ(Registry::builtin().find("sourcePodName")->units, Units::none);
}

}  // namespace
}  // namespace ipfix
