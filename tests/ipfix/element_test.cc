#include "ipfix/element.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace ipfix {
namespace {

const Registry& builtin() {
  return Registry::builtin();
}

TEST(DataType, KnowsItsNameAndLength) {
  struct Case {
    DataType type;
    const char* name;
    std::uint16_t length;
  };
  for (const Case& c :
       {Case{DataType::octet_array, "octetArray", variable_length}, Case{DataType::unsigned8, "unsigned8", 1},
        Case{DataType::signed64, "signed64", 8}, Case{DataType::float32, "float32", 4},
        Case{DataType::boolean, "boolean", 1}, Case{DataType::mac_address, "macAddress", 6},
        Case{DataType::string, "string", variable_length}, Case{DataType::date_time_seconds, "dateTimeSeconds", 4},
        Case{DataType::date_time_nanoseconds, "dateTimeNanoseconds", 8}, Case{DataType::ipv4_address, "ipv4Address", 4},
        Case{DataType::ipv6_address, "ipv6Address", 16},
        Case{DataType::sub_template_multi_list, "subTemplateMultiList", variable_length},
        Case{DataType::unsigned256, "unsigned256", 32}}) {
    EXPECT_EQ(to_string(c.type), c.name);
    EXPECT_EQ(data_type_by_name(c.name), c.type);
    EXPECT_EQ(natural_length(c.type), c.length) << c.name;
  }
  EXPECT_EQ(data_type_by_name("unsigned128"), std::nullopt);
  EXPECT_EQ(data_type_by_name(""), std::nullopt);
  EXPECT_EQ(to_string(DataType{200}), "unknown");
  EXPECT_EQ(natural_length(DataType{200}), variable_length);
}

TEST(Registry, KnowsIanaElementsByNumberAndName) {
  const Element* delta = builtin().find(0, 1);
  ASSERT_NE(delta, nullptr);
  EXPECT_EQ(delta->name, "octetDeltaCount");
  EXPECT_EQ(delta->type, DataType::unsigned64);
  EXPECT_EQ(builtin().find("octetDeltaCount"), delta);
  EXPECT_EQ(builtin().find("flowStartSeconds")->id, 150);
  EXPECT_EQ(builtin().find(56506, "destinationServicePortName")->id, 109);
  EXPECT_EQ(builtin().find(55829, "destinationServicePortName")->id, 108);
  EXPECT_EQ(builtin().find(55829, "flowType"), nullptr);
  EXPECT_EQ(builtin().find("flowStartSeconds")->type, DataType::date_time_seconds);
  EXPECT_EQ(builtin().find("sourceIPv6Address")->type, DataType::ipv6_address);
  EXPECT_EQ(builtin().find("sourceMacAddress")->id, 56);
  EXPECT_EQ(builtin().find("tcpOptionsFull")->type, DataType::unsigned256);
  EXPECT_EQ(builtin().find("noSuchElement"), nullptr);
  EXPECT_EQ(builtin().find(""), nullptr);
  EXPECT_EQ(builtin().find(0, 32767), nullptr);
  EXPECT_EQ(builtin().find(4711, 1), nullptr);
}

TEST(Registry, HoldsTheThreeTablesInOrder) {
  const auto all = builtin().all();
  const auto count = [&](std::uint32_t enterprise) {
    return std::count_if(all.begin(), all.end(), [&](const Element* e) { return e->enterprise == enterprise; });
  };
  EXPECT_EQ(count(0), 498);
  EXPECT_EQ(count(55829), 13);
  EXPECT_EQ(count(56506), 73);
  EXPECT_EQ(count(reverse_enterprise), 498 - 32);
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end(), [](const Element* a, const Element* b) {
    return std::pair(a->enterprise, a->id) < std::pair(b->enterprise, b->id);
  }));
  for (const Element* element : all) EXPECT_NE(builtin().find(element->name), nullptr) << element->name;
}

TEST(Registry, GivesANameToIanaThenTo55829ThenTo56506) {
  EXPECT_EQ(builtin().find("sourcePodName")->enterprise, 55829u);
  EXPECT_EQ(builtin().find(56506, 101)->name, "sourcePodName");
  EXPECT_EQ(builtin().find("destinationServicePort")->enterprise, 55829u);
  EXPECT_EQ(builtin().find("sourcePodUUID")->enterprise, 56506u);

  Registry registry;
  registry.add({55829, 7, "octetDeltaCount", DataType::string});
  EXPECT_EQ(registry.find("octetDeltaCount")->enterprise, 55829u);
  registry.add({0, 1, "octetDeltaCount", DataType::unsigned64});
  EXPECT_EQ(registry.find("octetDeltaCount")->enterprise, 0u);
  registry.add({4711, 7, "octetDeltaCount", DataType::string});
  EXPECT_EQ(registry.find("octetDeltaCount")->enterprise, 0u);
}

// RFC 5103 section 6.1.
TEST(Registry, DerivesReverseElements) {
  const Element* reverse = builtin().find(reverse_enterprise, 1);
  ASSERT_NE(reverse, nullptr);
  EXPECT_EQ(reverse->name, "reverseOctetDeltaCount");
  EXPECT_EQ(reverse->type, DataType::unsigned64);
  EXPECT_EQ(builtin().find("reverseOctetDeltaCount"), reverse);
  EXPECT_EQ(builtin().find("reverseFlowStartSeconds")->id, 150);
  for (const std::uint16_t id : {10, 14, 130, 145, 149, 173, 210, 239}) {
    EXPECT_NE(builtin().find(0, id), nullptr) << id;
    EXPECT_EQ(builtin().find(reverse_enterprise, id), nullptr) << id;
  }
  EXPECT_EQ(builtin().find("reverseBiflowDirection"), nullptr);
  EXPECT_EQ(builtin().find("reverseSourcePodName"), nullptr) << "enterprise elements have none";
}

TEST(Registry, ReplacesAnElementAndItsName) {
  Registry registry;
  registry.add({4711, 1, "old", DataType::string});
  registry.add({4712, 1, "old", DataType::unsigned8});
  registry.add({4711, 1, "new", DataType::unsigned32});
  EXPECT_EQ(registry.find(4711, 1)->name, "new");
  EXPECT_EQ(registry.find("new")->type, DataType::unsigned32);
  EXPECT_EQ(registry.find("old")->enterprise, 4712u) << "the name passes to the other that has it";
  registry.add({4712, 1, "other", DataType::unsigned8});
  EXPECT_EQ(registry.find("old"), nullptr);
  EXPECT_EQ(registry.all().size(), 2u);
}

TEST(Registry, ACopyCanBeAddedTo) {
  Registry registry = builtin();
  registry.add({4711, 1, "ours", DataType::string});
  EXPECT_NE(registry.find("ours"), nullptr);
  EXPECT_EQ(builtin().find("ours"), nullptr);
}

}  // namespace
}  // namespace ipfix
