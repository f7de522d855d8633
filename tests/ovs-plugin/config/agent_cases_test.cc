// The agent's own test cases for its configuration, as far as both spellings of it go.
#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <filesystem>

#include "tests/ovs-plugin/config/parsing.h"

namespace ofe::config {
namespace {

class AgentCases : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* shared = std::getenv("OFE_SHARED");
    const std::filesystem::path folder = shared != nullptr ? shared : OFE_DEFAULT_SHARED;
    const std::filesystem::path file = folder / "data/antrea/config_parse_cases.json";
    if (!std::filesystem::exists(file)) {
      const char* ci = std::getenv("CI");
      if (ci != nullptr && std::string(ci) == "true") FAIL() << file << " is missing";
      GTEST_SKIP() << file << " is missing";
    }
    cases = YAML::LoadFile(file);  // JSON is YAML
  }
  // The table whose name begins so.
  YAML::Node table(const std::string& prefix) {
    for (const auto& entry : cases) {
      if (entry.first.as<std::string>().starts_with(prefix)) return entry.second;
    }
    ADD_FAILURE() << "no table " << prefix;
    return {};
  }
  static std::string protocol_name(const Collector& collector) {
    const std::string text = to_string(collector);
    return text.substr(text.rfind(':') + 1);
  }
  YAML::Node cases;
};

TEST_F(AgentCases, OlderSpelling) {
  const YAML::Node rows = table("era v0.9");
  ASSERT_GE(rows.size(), 6u);
  for (const YAML::Node& row : rows) {
    const std::string yaml = "flowCollectorAddr: \"" + row[0].as<std::string>() + "\"\nflowPollInterval: \"" +
                             row[1].as<std::string>() + "\"\n";
    const ParseResult result = parse(yaml, "a.conf");
    EXPECT_EQ(result.settings.has_value(), row[5].IsNull()) << yaml << ::testing::PrintToString(result.errors);
    if (!result.settings || !row[5].IsNull()) continue;
    ASSERT_TRUE(result.settings->collector.has_value());
    const Collector& collector = *result.settings->collector;
    EXPECT_EQ(protocol_name(collector), row[2].as<std::string>());
    EXPECT_EQ(collector.host + ":" + std::to_string(collector.port), row[3].as<std::string>());
    EXPECT_EQ(result.settings->poll_interval_ms, parse_duration_ms(row[4].as<std::string>()));
  }
}

TEST_F(AgentCases, NewerSpellingOfTheCollector) {
  const YAML::Node rows = table("main (pkg/util/flowexport");
  ASSERT_GE(rows.size(), 8u);
  for (const YAML::Node& row : rows) {
    const std::string address = row[0].as<std::string>();
    const bool right = row[4].as<std::string>().empty();
    const ParseResult result = parse("flowExporter: {flowCollectorAddr: \"" + address + "\"}", "a.conf");
    EXPECT_EQ(result.settings.has_value(), right) << address << ::testing::PrintToString(result.errors);
    if (!result.settings || !right) continue;
    const Collector& collector = *result.settings->collector;
    const std::string service = collector.service_namespace + "/" + collector.service_name;
    EXPECT_EQ(collector.service_name.empty() ? collector.host : service, row[1].as<std::string>());
    EXPECT_EQ(std::to_string(collector.port), row[2].as<std::string>());
    EXPECT_EQ(protocol_name(collector), row[3].as<std::string>());
  }
}

TEST_F(AgentCases, NewerSpellingOfIntervals) {
  const YAML::Node rows = table("main intervals");
  ASSERT_GE(rows.size(), 3u);
  for (const YAML::Node& row : rows) {
    for (const char* key : {"flowPollInterval", "activeFlowExportTimeout", "idleFlowExportTimeout"}) {
      const std::string yaml = std::string("flowExporter: {") + key + ": \"" + row[0].as<std::string>() + "\"}";
      EXPECT_EQ(parse(yaml, "a.conf").settings.has_value(), row[2].as<std::string>().empty()) << yaml;
    }
  }
}

}  // namespace
}  // namespace ofe::config
