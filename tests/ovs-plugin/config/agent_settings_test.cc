#include "tests/ovs-plugin/config/parsing.h"

namespace ofe::config {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

TEST(AgentSettings, NothingGivenMeansTheDefaults) {
  for (const char* text : {"", "# nothing\n", "---\n", "{}", "featureGates:\nflowExporter: ~\novsFlowExporter:\n",
                           "flowCollectorAddr: \"\"\nflowPollInterval: ''\n"}) {
    EXPECT_EQ(accept(text), Config{}) << text;
  }
  const Config config;
  EXPECT_EQ(config.poll_interval_ms, 5'000);
  EXPECT_EQ(config.export_frequency, 12u);
}

TEST(AgentSettings, TheOlderSpelling) {
  const Config config = accept(
      "featureGates:\n"
      "  FlowExporter: true\n"
      "  AntreaProxy: false\n"
      "  EndpointSlice: true\n"
      "flowCollectorAddr: \"192.168.86.86:4739:tcp\"\n"
      "flowPollInterval: \"1s\"\n"
      "flowExportFrequency: 5\n"
      "ovsBridge: br-int\n"
      "trafficEncapMode: [whatever, {the: agent}, takes]\n");
  EXPECT_TRUE(config.enabled);
  EXPECT_FALSE(config.antrea_proxy);
  ASSERT_TRUE(config.collector.has_value());
  EXPECT_EQ(to_string(*config.collector), "192.168.86.86:4739:tcp");
  EXPECT_EQ(config.poll_interval_ms, 1'000);
  EXPECT_EQ(config.export_frequency, 5u);
  EXPECT_EQ(config.active_timeout_ms, std::nullopt);
  EXPECT_EQ(config.bridge, "br-int");
  EXPECT_FALSE(accept("featureGates: {FlowExporter: false}").enabled);
}

TEST(AgentSettings, TheNewerSpelling) {
  const Config config = accept(
      "flowExporter:\n"
      "  enable: false\n"
      "  flowCollectorAddr: flow-aggregator/flow-aggregator:4739:tls\n"
      "  flowPollInterval: 2s\n"
      "  activeFlowExportTimeout: 30s\n"
      "  idleFlowExportTimeout: 1m\n"
      "  protocolFilter: [tcp, UDP, sctp, Icmp, icmpv6, tcp]\n");
  EXPECT_FALSE(config.enabled);
  ASSERT_TRUE(config.collector.has_value());
  EXPECT_EQ(config.collector->protocol, CollectorProtocol::tls);
  EXPECT_EQ(config.poll_interval_ms, 2'000);
  EXPECT_EQ(config.active_timeout_ms, 30'000);
  EXPECT_EQ(config.idle_timeout_ms, 60'000);
  EXPECT_THAT(config.protocols, ElementsAre(6, 17, 132, 1, 58));
}

TEST(AgentSettings, TheNewerSpellingHasTimeoutsOfItsOwn) {
  const Config defaults = accept("flowExporter: {enable: true}");
  EXPECT_EQ(defaults.active_timeout_ms, 5'000);
  EXPECT_EQ(defaults.idle_timeout_ms, 15'000);
  const Config half = accept("flowExporter: {idleFlowExportTimeout: 20s}");
  EXPECT_EQ(half.active_timeout_ms, 5'000);
  EXPECT_EQ(half.idle_timeout_ms, 20'000);
  const Config frequency = accept("flowExportFrequency: 3\nflowExporter: {protocolFilter: [tcp]}");
  EXPECT_EQ(frequency.export_frequency, 3u);
  EXPECT_EQ(frequency.active_timeout_ms, std::nullopt);
}

TEST(AgentSettings, TheNewerAgentWantsTheGateAndEnable) {
  EXPECT_TRUE(accept("featureGates: {FlowExporter: true}\nflowExporter: {enable: true}").enabled);
  EXPECT_FALSE(accept("featureGates: {FlowExporter: false}\nflowExporter: {enable: true}").enabled);
  EXPECT_FALSE(accept("featureGates: {FlowExporter: true}\nflowExporter: {enable: false}").enabled);
  EXPECT_FALSE(accept("flowExporter: {enable: false}\nfeatureGates: {FlowExporter: true}").enabled);
}

TEST(AgentSettings, OneSettingInBothSpellingsIsAnError) {
  EXPECT_THAT(errors_of("flowCollectorAddr: 1.2.3.4:80\nflowExporter:\n  flowCollectorAddr: 1.2.3.4:80\n"),
              ElementsAre(AllOf(StartsWith("a.conf:3: "), HasSubstr("flowExporter.flowCollectorAddr (line 3)"),
                                HasSubstr("flowCollectorAddr (line 1)"))));
  EXPECT_THAT(errors_of("flowExporter: {flowPollInterval: 5s}\nflowPollInterval: 5s"),
              ElementsAre(AllOf(StartsWith("a.conf:2: "), HasSubstr("flowPollInterval"))));
  EXPECT_THAT(
      errors_of("flowExportFrequency: 5\nflowExporter: {activeFlowExportTimeout: 5s, idleFlowExportTimeout: 5s}"),
      ElementsAre(HasSubstr("activeFlowExportTimeout"), HasSubstr("idleFlowExportTimeout")));
  accept("flowCollectorAddr: ''\nflowExporter: {flowCollectorAddr: 1.2.3.4:80}");  // the agent's template has it empty
}

struct Wrong {
  const char* yaml;
  const char* error;
};

TEST(AgentSettings, AWrongValueIsNamedWithWhatIsAllowed) {
  for (const Wrong& c : {
           Wrong{"\nflowPollInterval: 5ss",
                 "a.conf:2: flowPollInterval: \"5ss\" is not a duration; allowed: durations"},
           {"flowPollInterval: 999ms",
            "a.conf:1: flowPollInterval: \"999ms\" is too short; allowed: durations from 1s"},
           {"flowPollInterval: -5s", "is too short"},
           {"flowPollInterval: 169h", "is too long"},
           {"flowPollInterval: 5", "\"5\" is not a duration"},
           {"flowPollInterval: [5s]", "a list is not a single value"},
           {"flowExportFrequency: 0", "flowExportFrequency: \"0\" is out of range; allowed: whole numbers from 1 to"},
           {"flowExportFrequency: -1", "is not a whole decimal number"},
           {"flowExportFrequency: 1.5", "is not a whole decimal number"},
           {"flowExportFrequency: 0x10", "is not a whole decimal number"},
           {"flowExportFrequency: 010", "is not a whole decimal number"},
           {"flowExportFrequency: 4294967296", "is out of range"},
           {"flowExportFrequency: 99999999999999999999999", "is out of range"},
           {"flowExportFrequency: many", "is not a whole decimal number"},
           {"flowCollectorAddr: 1.2.3.4:80:sctp",
            "flowCollectorAddr: \"1.2.3.4:80:sctp\" is not a collector's address: "
            "protocol \"sctp\" is none of tcp, udp and tls; allowed: <host>:<port>"},
           {"flowCollectorAddr: {a: b}", "a mapping is not a single value"},
           {"featureGates: {FlowExporter: maybe}", "featureGates.FlowExporter: \"maybe\" is neither true nor false"},
           {"featureGates: [FlowExporter]", "featureGates: a list is not a mapping"},
           {"flowExporter: true", "flowExporter: \"true\" is not a mapping"},
           {"flowExporter: {activeFlowExportTimeout: 0s}", "flowExporter.activeFlowExportTimeout: \"0s\" is too short"},
           {"flowExporter: {idleFlowExportTimeout: soon}", "flowExporter.idleFlowExportTimeout: \"soon\""},
           {"flowExporter: {protocolFilter: tcp}",
            "flowExporter.protocolFilter: \"tcp\" is not a list; allowed: a list"},
           {"flowExporter:\n  protocolFilter:\n  - tcp\n  - gre\n", "a.conf:4: flowExporter.protocolFilter: \"gre\""},
       }) {
    EXPECT_THAT(errors_of(c.yaml), ElementsAre(HasSubstr(c.error))) << c.yaml;
  }
}

TEST(AgentSettings, EveryProblemIsReported) {
  EXPECT_THAT(errors_of("flowPollInterval: 5ss\n"
                        "flowCollectorAddr: :80\n"
                        "flowExportFrequency: x\n"
                        "ovsFlowExporter:\n"
                        "  zone: [1]\n"
                        "  maxFlows: 0\n"),
              ElementsAre(StartsWith("a.conf:1: "), StartsWith("a.conf:2: "), StartsWith("a.conf:3: "),
                          StartsWith("a.conf:5: "), StartsWith("a.conf:6: ")));
}

TEST(AgentSettings, EndlessProblemsAreCounted) {
  std::string zones = "ovsFlowExporter:\n  zones:\n";
  for (int i = 0; i < 1'000; ++i) zones += "  - x\n";
  const std::vector<std::string> errors = errors_of(zones);
  ASSERT_EQ(errors.size(), 101u);
  EXPECT_EQ(errors.back(), "a.conf: and 900 more like these");
}

TEST(AgentSettings, AKeyGivenTwiceIsAnError) {
  EXPECT_THAT(errors_of("flowPollInterval: 5s\nflowPollInterval: 6s\n"),
              ElementsAre("a.conf:2: flowPollInterval: given twice (first on line 1)"));
  EXPECT_THAT(errors_of("ovsFlowExporter:\n  bridge: a\n  bridge: b\n"),
              ElementsAre("a.conf:3: ovsFlowExporter.bridge: given twice (first on line 2)"));
  EXPECT_THAT(errors_of("featureGates: {}\nfeatureGates: {}\n"), ElementsAre(HasSubstr("featureGates: given twice")));
  EXPECT_THAT(errors_of("? [a, b]\n: c\n"), ElementsAre(HasSubstr("a key that is not plain text")));
}

TEST(AgentSettings, KeysOfTheAgentAreIgnoredAndMisspeltOnesOfOursWarnedOf) {
  const std::string collector = "flowCollectorAddr: 1.2.3.4:80\n";
  EXPECT_THAT(parse(collector + "ovsBridge: x\nhostGateway: y\nclusterMembershipPersistence: 1\n", "f").warnings,
              IsEmpty());
  EXPECT_THAT(parse(collector + "flowPolInterval: 5s\n", "f").warnings,
              ElementsAre("f:2: flowPolInterval: unknown key, ignored; did you mean \"flowPollInterval\"?"));
  EXPECT_THAT(parse(collector + "featureGates: {flowexporter: true}\n", "f").warnings,
              ElementsAre(HasSubstr("did you mean \"FlowExporter\"?")));
  EXPECT_THAT(parse(collector + "flowExporter: {enabled: true}\n", "f").warnings,
              ElementsAre(HasSubstr("did you mean \"enable\"?")));
}

TEST(AgentSettings, AMissingCollectorIsWarnedOf) {
  EXPECT_THAT(parse("", "f").warnings, ElementsAre(HasSubstr("flowCollectorAddr: not set")));
  EXPECT_THAT(parse("featureGates: {FlowExporter: false}", "f").warnings, IsEmpty());
}

TEST(AgentSettings, AliasesAreFollowed) {
  EXPECT_EQ(accept("x: &interval 7s\nflowPollInterval: *interval\n").poll_interval_ms, 7'000);
  EXPECT_THAT(errors_of("x: &interval 7x\n\nflowPollInterval: *interval\n"), ElementsAre(StartsWith("a.conf:3: ")));
}

}  // namespace
}  // namespace ofe::config
