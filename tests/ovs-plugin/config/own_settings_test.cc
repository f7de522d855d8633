#include "tests/ovs-plugin/config/parsing.h"

namespace ofe::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string under_own_key(const std::string& line) {
  return "ovsFlowExporter:\n  " + line + "\n";
}

TEST(OwnSettings, EveryOneIsRead) {
  const Config config = accept(
      "ovsFlowExporter:\n"
      "  bridge: br-antrea\n"
      "  zones: [0, 65535, 7]\n"
      "  nodeFlows: false\n"
      "  remoteNames: true\n"
      "  exactAccounting: true\n"
      "  conntrackEvents: off\n"
      "  podCIDRs:\n"
      "  - 10.10.0.0/16\n"
      "  - fd00:10::/56\n"
      "  metadataSocket: /run/x.sock\n"
      "  observationDomainId: 4294967295\n"
      "  maxFlows: 5000\n"
      "  logLevel: debug\n"
      "  templateRefreshInterval: 1m\n"
      "  statisticsInterval: 5s\n"
      "  udpMaxMessageOctets: 512\n"
      "  udpSegmentation: true\n"
      "  exportQueueOctets: 65536\n"
      "  collectors: [\"192.0.2.9:4739:udp\", flow/collector]\n"
      "  spool: {path: /var/spool/flows, maxBytes: 1048576}\n"
      "  reconnectMaxInterval: 10s\n"
      "  shutdownGrace: 0s\n"
      "  metricsAddress: 192.0.2.1:9184\n"
      "  vswitchdSharePercent: 2\n"
      "  vswitchdMaxAnswerOctets: 1048576\n"
      "  deniedFlows: all\n"
      "  profile: 56506\n"
      "  extraElements: []\n"  // others: extra_elements_test.cc
      "  stateFile: /var/lib/ovs-flow-exporter/state\n"
      "  tls:\n"
      "    caFile: /tls/ca.crt\n"
      "    certificateFile: /tls/tls.crt\n"
      "    keyFile: /tls/tls.key\n"
      "    serverName: collector.example\n");
  Config expected;
  expected.bridge = "br-antrea";
  expected.zones = {0, 65535, 7};
  expected.zones_from_rules = false;
  expected.node_flows = false;
  expected.remote_names = true;
  expected.exact_accounting = true;
  expected.conntrack_events = false;
  expected.pod_cidrs = {*flowstore::parse_prefix("10.10.0.0/16"), *flowstore::parse_prefix("fd00:10::/56")};
  expected.metadata_socket = "/run/x.sock";
  expected.observation_domain_id = 4294967295u;
  expected.max_flows = 5000;
  expected.log_level = "debug";
  expected.template_refresh_ms = 60'000;
  expected.statistics_interval_ms = 5'000;
  expected.udp_max_message_octets = 512;
  expected.udp_segmentation = true;
  expected.export_queue_octets = 65536;
  expected.more_collectors = {{"192.0.2.9", "", "", 4739, CollectorProtocol::udp},
                              {"", "flow", "collector", 4739, CollectorProtocol::tcp}};
  expected.spool = {"/var/spool/flows", 1048576};
  expected.reconnect_max_ms = 10'000;
  expected.shutdown_grace_ms = 0;
  expected.metrics_address = "192.0.2.1:9184";
  expected.vswitchd_share_percent = 2;
  expected.vswitchd_max_answer_octets = 1'048'576;
  expected.denied_flows = DeniedFlows::all;
  expected.profile = 56506;
  expected.state_file = "/var/lib/ovs-flow-exporter/state";
  expected.tls = {"/tls/ca.crt", "/tls/tls.crt", "/tls/tls.key", "collector.example"};
  EXPECT_EQ(config, expected);
}

TEST(OwnSettings, DeniedFlowsIsOneOfThree) {
  EXPECT_EQ(accept(under_own_key("deniedFlows: off")).denied_flows, DeniedFlows::off);
  EXPECT_EQ(Config{}.denied_flows, DeniedFlows::policy);
  EXPECT_THAT(errors_of(under_own_key("deniedFlows: some")), ElementsAre(HasSubstr("allowed: policy, all, off")));
}

TEST(OwnSettings, ANullLeavesTheDefault) {
  EXPECT_EQ(accept("ovsFlowExporter: {observationDomainId: ~, zones: , bridge: null}"), Config{});
  EXPECT_EQ(accept("ovsFlowExporter: {podCIDRs: [], metricsAddress: \"\"}"), Config{});
}

TEST(OwnSettings, AnUnknownKeyIsAnErrorThatNamesTheNearest) {
  EXPECT_THAT(errors_of(under_own_key("exactAcounting: true")),
              ElementsAre("a.conf:2: ovsFlowExporter.exactAcounting: unknown key; the nearest known one is "
                          "\"exactAccounting\""));
  EXPECT_THAT(errors_of(under_own_key("podCidrs: []")), ElementsAre(HasSubstr("\"podCIDRs\"")));
  EXPECT_THAT(errors_of(under_own_key("<<: {bridge: x}")), ElementsAre(HasSubstr("unknown key")));
  EXPECT_THAT(errors_of(under_own_key(std::string(900, 'k') + ": 1")), ElementsAre(HasSubstr("unknown key")));
}

struct Wrong {
  const char* line;
  const char* error;
};

TEST(OwnSettings, AWrongValueIsNamedWithWhatIsAllowed) {
  for (const Wrong& c : {
           Wrong{"zones: []", "ovsFlowExporter.zones: a list names no zone; allowed: a list of conntrack zones"},
           {"zones: 65520", "\"65520\" is not a list"},
           {"zones: [65536]", "\"65536\" is out of range; allowed: whole numbers from 0 to 65535"},
           {"zones: [-1]", "\"-1\" is not a whole decimal number"},
           {"zones: [1, 2, 1]", "\"1\" is given twice"},
           {"zones: [[1]]", "a list is not a single value"},
           {"bridge: \"\"", "\"\" cannot be the name of a bridge"},
           {"bridge: br int", "cannot be the name of a bridge"},
           {"bridge: ../x", "cannot be the name of a bridge"},
           {"bridge: sixteen-letters-", "cannot be the name of a bridge"},
           {"bridge: [a]", "a list is not a single value"},
           {"remoteNames: 1", "ovsFlowExporter.remoteNames: \"1\" is neither true nor false; allowed: true, false"},
           {"nodeFlows: some", "ovsFlowExporter.nodeFlows: \"some\" is neither true nor false"},
           {"exactAccounting: perhaps", "is neither true nor false"},
           {"conntrackEvents: on", "is neither; allowed: auto, off"},
           {"podCIDRs: 10.0.0.0/8", "is not a list"},
           {"podCIDRs: [10.0.0.0/33]", "\"10.0.0.0/33\" is not a prefix"},
           {"podCIDRs: [{}]", "a mapping is not a prefix"},
           {"metadataSocket: run/x", "is not an absolute path"},
           {"observationDomainId: 4294967296", "is out of range"},
           {"observationDomainId: node", "is not a whole decimal number"},
           {"maxFlows: 0", "is out of range; allowed: whole numbers from 1 to 100000000"},
           {"maxFlows: 1_000", "is not a whole decimal number"},
           {"logLevel: verbose", "\"verbose\" is not a log level; allowed: off, error, warn, info, debug"},
           {"templateRefreshInterval: 0", "is too short"},
           {"udpMaxMessageOctets: 511", "is out of range; allowed: whole numbers from 512 to 65507"},
           {"udpMaxMessageOctets: 65508", "is out of range"},
           {"exportQueueOctets: 65535", "is out of range"},
           {"collectors: 192.0.2.9", "is not a list"},
           {"collectors: [\"192.0.2.9:99999\"]", "is not a collector's address"},
           {"collectors: [\"192.0.2.9:4739\", \"192.0.2.9\"]", "is given twice"},
           {"spool: /var/spool", "is not a mapping"},
           {"spool: {path: relative}", "is not an absolute path"},
           {"spool: {maxBytes: 10}", "is out of range"},
           {"spool: {maxbytes: 10485760}",
            "ovsFlowExporter.spool.maxbytes: unknown key; the nearest known one is \"maxBytes\""},
           {"reconnectMaxInterval: 10", "is not a duration"},
           {"shutdownGrace: 11m", "is too long"},
           {"shutdownGrace: -1s", "is too short"},
           {"metricsAddress: 9184", "\"9184\" is not an address to listen on; allowed: <IPv4 address>:<port>, such as"},
           {"metricsAddress: 127.0.0.1", "is not an address to listen on"},
           {"metricsAddress: \":9184\"", "is not an address to listen on"},
           {"metricsAddress: \"127.0.0.1:\"", "is not an address to listen on"},
           {"metricsAddress: \"127.0.0.1:0\"", "is not an address to listen on"},
           {"metricsAddress: \"127.0.0.1:65536\"", "is not an address to listen on"},
           {"metricsAddress: \"127.0.0.1:9184s\"", "is not an address to listen on"},
           {"metricsAddress: \"127.0.0.1:91:84\"", "is not an address to listen on"},
           {"metricsAddress: \"::ffff:127.0.0.1:9184\"", "is not an address to listen on"},
           {"metricsAddress: \"[::1]:9184\"", "is not an address to listen on"},
           {"metricsAddress: localhost:9184", "is not an address to listen on"},
           {"metricsAddress: [127.0.0.1:9184]", "a list is not a single value"},
           {"vswitchdSharePercent: 0", "is out of range; allowed: whole numbers from 1 to 50"},
           {"vswitchdSharePercent: 51", "is out of range"},
           {"vswitchdSharePercent: 5%", "is not a whole decimal number"},
           {"vswitchdMaxAnswerOctets: 1048575", "is out of range; allowed: whole numbers from 1048576 to 1073741824"},
           {"profile: antrea", "\"antrea\" is no profile; allowed: 55829 (Antrea up to v0.10), 56506 (Antrea since)"},
           {"profile: 29305", "is no profile"},
           {"stateFile: state", "\"state\" is not an absolute path; allowed: the absolute path of a file"},
           {"stateFile: /var/lib/", "is a folder"},
           {"stateFile: [a]", "a list is not a single value"},
       }) {
    EXPECT_THAT(errors_of(under_own_key(c.line)), ElementsAre(HasSubstr(c.error))) << c.line;
    EXPECT_THAT(errors_of(under_own_key(c.line)), ElementsAre(StartsWith("a.conf:2: ovsFlowExporter."))) << c.line;
  }
  EXPECT_THAT(errors_of(under_own_key("metadataSocket: /" + std::string(107, 'x'))),
              ElementsAre(HasSubstr("is too long")));
  EXPECT_EQ(accept(under_own_key("metadataSocket: /" + std::string(106, 'x'))).metadata_socket.size(), 107u);
}

TEST(OwnSettings, ElementsAreReportedOnTheirOwnLines) {
  EXPECT_THAT(errors_of("ovsFlowExporter:\n  zones:\n  - 1\n  - x\n  - 70000\n"),
              ElementsAre(StartsWith("a.conf:4: ovsFlowExporter.zones: \"x\""),
                          StartsWith("a.conf:5: ovsFlowExporter.zones: \"70000\"")));
}

}  // namespace
}  // namespace ofe::config
