// The template against the element order that Antrea published (third-party data, read where it lies).
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "ipfix/element.h"
#include "ovs-plugin/record/field_table.h"

namespace ofe::record {
namespace {

nlohmann::json published(const char* file) {
  const char* shared = std::getenv("OFE_SHARED");
  const std::string path = std::string(shared != nullptr ? shared : OFE_SHARED_DEFAULT) + "/data/antrea/" + file;
  std::ifstream in(path);
  return in ? nlohmann::json::parse(in) : nlohmann::json();
}

#define REQUIRE_PUBLISHED(variable, file)                                                         \
  const nlohmann::json variable = published(file);                                                \
  if (variable.is_null()) {                                                                       \
    if (std::getenv("CI") != nullptr) FAIL() << "third-party data is missing: data/antrea/" file; \
    GTEST_SKIP() << "third-party data is absent: data/antrea/" file;                              \
  }

// The published names of that version spell reverse elements "reverse_PacketTotalCount".
std::string registry_name(std::string name) {
  if (name.starts_with("reverse_")) name.erase(7, 1);
  return name;
}

TEST(PublishedOrder, Ipv4TemplateIsThatOfV0102AndFlowEndReason) {
  REQUIRE_PUBLISHED(versions, "template_element_order_by_version.json");
  std::vector<std::string> expected;
  for (const auto& element : versions["v0.10.2"]["ipv4_template"]["elements"]) {
    expected.push_back(registry_name(element[0]));
  }
  expected.push_back("flowEndReason");
  std::vector<std::string> ours;
  for (const Field& field : fields_ipv4()) ours.push_back(field.element);
  EXPECT_EQ(ours, expected);
}

TEST(PublishedOrder, ObservationDomainIsFnv1OfTheNodeName) {
  REQUIRE_PUBLISHED(vectors, "observation_domain_id_fnv1.json");
  for (const auto& [name, id] : vectors["vectors"].items()) {
    EXPECT_EQ(observation_domain_of(name), id.get<std::uint32_t>()) << name;
  }
}

}  // namespace
}  // namespace ofe::record
