#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "tests/ovs-plugin/config/parsing.h"

namespace ofe::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(Document, AConfigMapIsTakenAsAWhole) {
  const std::string config_map =
      "apiVersion: v1\n"
      "kind: ConfigMap\n"
      "metadata: {name: antrea-config}\n"
      "data:\n"
      "  antrea-controller.conf: |\n"
      "    flowPollInterval: not ours\n"
      "  antrea-agent.conf: |  # the agent's\n"
      "    # FeatureGates\n"
      "    featureGates:\n"
      "    # at the margin\n"
      "      FlowExporter: false\n"
      "    flowPollInterval: \"2s\"\n";
  const Config config = accept(config_map);
  EXPECT_FALSE(config.enabled);
  EXPECT_EQ(config.poll_interval_ms, 2'000);
  EXPECT_THAT(errors_of(config_map + "    flowExportFrequency: 0\n"),
              ElementsAre(StartsWith("a.conf:13: flowExportFrequency")))
      << "the line is the file's";
}

TEST(Document, TheDataOfAConfigMapIsTakenAlone) {
  EXPECT_EQ(accept("  antrea-agent.conf: |\n    flowPollInterval: 3s\n").poll_interval_ms, 3'000);
  EXPECT_EQ(accept("antrea-agent.conf: \"flowPollInterval: 3s\\nx: 1\"\n").poll_interval_ms, 3'000);
  EXPECT_EQ(accept("antrea-agent.conf:\n"), Config{});
  EXPECT_THAT(errors_of("# c\nantrea-agent.conf: \"x: 1\\nflowPollInterval: 3\"\n"),
              ElementsAre(StartsWith("a.conf:2: flowPollInterval")));
  EXPECT_THAT(errors_of("antrea-agent.conf: {flowPollInterval: 3s}\n"), ElementsAre(HasSubstr("is not a text")));
}

TEST(Document, AConfigMapWithoutOurFileIsAnError) {
  EXPECT_THAT(errors_of("kind: ConfigMap\ndata: {other.conf: x}\n"),
              ElementsAre("a.conf:1: the ConfigMap has no data.\"antrea-agent.conf\""));
  EXPECT_THAT(errors_of("apiVersion: v1\nkind: ConfigMap\n"), ElementsAre(StartsWith("a.conf:2: ")));
}

TEST(Document, JsonAndWindowsLinesAreYamlToo) {
  EXPECT_EQ(accept(R"({"flowPollInterval": "3s", "ovsFlowExporter": {"zones": [1]}})").poll_interval_ms, 3'000);
  EXPECT_EQ(accept("flowPollInterval: 3s\r\nflowExportFrequency: 2\r\n").export_frequency, 2u);
  EXPECT_EQ(accept("\xef\xbb\xbf"
                   "flowPollInterval: 3s\n")
                .poll_interval_ms,
            3'000);
}

struct Broken {
  std::string text;
  const char* error;
};

TEST(Document, WhatIsNoConfigurationIsRefusedWithItsPlace) {
  for (const Broken& c : {
           Broken{"just text\n", "a.conf:1: the configuration: \"just text\" is not a mapping"},
           {"- a\n- b\n", "a.conf:1: the configuration: a list is not a mapping"},
           {"a: 1\n\tb: 2\n", "a.conf:2: not YAML"},
           {"a: 1\n\tb: 2\n", "a tab cannot indent"},
           {"a: b: c\n", "a.conf:1: not YAML"},
           {"a: 1\nflowCollectorAddr: [fe80::1]:4739\n", "a value that begins with [ but is no list needs quotes"},
           {"a: *nobody\n", "a.conf:1: not YAML: the referenced anchor is not defined"},
           {"a: 1\n---\nb: 2\n", "a.conf:3: a second YAML document begins"},
           {"a: 1\nb: \xff\xfe\n", "a.conf:2: the line is not UTF-8"},
           {std::string("a\0:\0 \0", 6), "a.conf:1: the line holds a control character"},
           {"a: \x1b[0m\n", "a.conf:1: the line holds a control character"},
           {std::string(100'000, '['), "nested too deeply"},
           {std::string(100'000, '{'), "nested too deeply"},
           {"# \n" + std::string(1u << 20, '#'), "more than 1048576 octets"},
       }) {
    EXPECT_THAT(errors_of(c.text), ElementsAre(HasSubstr(c.error))) << c.text.substr(0, 60);
  }
}

// "Billion laughs": 9 levels of 9 references each would be 400 million strings if they were copied out.
TEST(Document, AliasesAreNotCopiedOut) {
  std::string text = "l0: &l0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i <= 9; ++i) {
    const std::string below = "*l" + std::to_string(i - 1);
    std::string list;
    for (int j = 0; j < 9; ++j) list += (j == 0 ? "" : ", ") + below;
    text += "l" + std::to_string(i) + ": &l" + std::to_string(i) + " [" + list + "]\n";
  }
  EXPECT_EQ(accept(text), Config{});
  EXPECT_THAT(errors_of(text + "ovsFlowExporter: {zones: *l9}\n"), ::testing::SizeIs(9));
}

class File : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = std::filesystem::temp_directory_path() / "ofe-config-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  std::filesystem::path folder;
};

TEST_F(File, IsLoaded) {
  std::ofstream(folder / "a.conf") << "flowPollInterval: 4s\n";
  const ParseResult result = load(folder / "a.conf");
  ASSERT_TRUE(result.settings.has_value());
  EXPECT_EQ(result.settings->poll_interval_ms, 4'000);
}

TEST_F(File, ThatCannotBeReadIsNamedWithTheReason) {
  EXPECT_THAT(load(folder / "none.conf").errors,
              ElementsAre((folder / "none.conf").string() + ": cannot be opened: No such file or directory"));
  EXPECT_THAT(load(folder).errors, ElementsAre(folder.string() + ": is not a file"));
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(load(folder / "pipe").errors, ElementsAre(HasSubstr("is not a file")));
  std::ofstream(folder / "big.conf") << std::string(3u << 20, '#');
  EXPECT_THAT(load(folder / "big.conf").errors, ElementsAre(HasSubstr("more than 1048576 octets")));
}

}  // namespace
}  // namespace ofe::config
