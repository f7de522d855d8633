// The template against the element order that Antrea published (third-party data, read where it lies).
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "ipfix/element.h"
#include "ovs-plugin/record/layout.h"

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
  for (const Field& field : fields(Profile::antrea_55829, template_ipv4)) ours.push_back(field.element);
  EXPECT_EQ(ours, expected);
}

// Of what that version has, Egress is not known here.
TEST(PublishedOrder, Profile56506IsTheMainBranchsWithoutEgress) {
  REQUIRE_PUBLISHED(versions, "template_element_order_by_version.json");
  for (const auto& [id, family] : {std::pair{template_ipv4, "ipv4_template"}, {template_ipv6, "ipv6_template"}}) {
    std::vector<std::string> expected, ours;
    for (const auto& element : versions["main"][family]["elements"]) {
      const std::string name = registry_name(element[0]);
      if (!name.starts_with("egress") || name.starts_with("egressNetworkPolicy")) expected.push_back(name);
    }
    for (const Field& field : fields(Profile::antrea_56506, id)) ours.push_back(field.element);
    EXPECT_EQ(ours, expected);
  }
}

// 255 there stands for a flow that is not exported at all; here it is, and its type is unspecified. Two cases are of
// modes that are not followed: without routes of its own, Antrea tells the type by who has a name.
TEST(PublishedOrder, FlowTypesAreAsPublished) {
  REQUIRE_PUBLISHED(published_cases, "flow_type_cases_main.json");
  std::size_t followed = 0;
  for (const auto& one : published_cases["cases"]) {
    if (one[1] != false) continue;
    const auto kind_of = [&](const char* side, const char* pod) {
      const std::string address = one[2][side];
      const auto known = published_cases["ips"].find(address);
      if (known == published_cases["ips"].end()) return EndKind::outside;
      if (*known == "gateway") return EndKind::gateway;
      return one[2].contains(pod) ? EndKind::pod_here : EndKind::pod_elsewhere;
    };
    int expected = one[3];
    // A gateway's flow to a Pod elsewhere is of no published type.
    if (expected == 255) expected = 0;
    EXPECT_EQ(static_cast<int>(flow_type({kind_of("src", "srcPod"), kind_of("dst", "dstPod")})), expected) << one[0];
    ++followed;
  }
  EXPECT_GE(followed, 9u);
}

TEST(PublishedOrder, ObservationDomainIsFnv1OfTheNodeName) {
  REQUIRE_PUBLISHED(vectors, "observation_domain_id_fnv1.json");
  for (const auto& [name, id] : vectors["vectors"].items()) {
    EXPECT_EQ(observation_domain_of(name), id.get<std::uint32_t>()) << name;
  }
}

}  // namespace
}  // namespace ofe::record
