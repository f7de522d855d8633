#include <algorithm>
#include <random>

#include "tests/ovs-plugin/config/parsing.h"

namespace ofe::config {
namespace {

class RandomConfig {
 public:
  explicit RandomConfig(std::uint64_t seed) : random_(seed) {}

  Config next() {
    Config config;
    config.enabled = coin();
    config.antrea_proxy = coin();
    if (coin()) config.collector = collector();
    config.poll_interval_ms = between(1'000, 600'000);
    if (coin()) {
      config.active_timeout_ms = between(1'000, 604'800'000);
      config.idle_timeout_ms = between(1'000, 604'800'000);
    } else {
      config.export_frequency = static_cast<std::uint32_t>(between(1, 4294967295));
    }
    for (const std::uint8_t protocol : {6, 17, 132, 1, 58}) {
      if (between(0, 3) == 0) config.protocols.push_back(protocol);
    }
    std::ranges::shuffle(config.protocols, random_);
    own(config);
    return config;
  }

 private:
  bool coin() { return between(0, 1) == 1; }
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
  }
  template <typename T>
  T one_of(std::initializer_list<T> values) {
    return values.begin()[between(0, static_cast<std::int64_t>(values.size()) - 1)];
  }

  Collector collector() {
    Collector collector;
    if (coin()) {
      collector.host = one_of<const char*>({"10.0.0.1", "fd00::1", "fe80::1%eth0", "collector.example", "c_1"});
    } else {
      collector.service_namespace = "flow-aggregator";
      collector.service_name = "c-" + std::to_string(between(0, 99));
    }
    collector.port = static_cast<std::uint16_t>(between(1, 65535));
    collector.protocol = one_of({CollectorProtocol::tcp, CollectorProtocol::udp, CollectorProtocol::tls});
    return collector;
  }

  void own(Config& config) {
    // Names that YAML would take for something else without quotes.
    config.bridge = one_of<const char*>({"br-int", "br\"x", "true", "~", "1e3", "null", "#x", "b:r", "&a", "brü"});
    config.zones_from_rules = coin();
    if (!config.zones_from_rules) config.zones.clear();
    for (std::int64_t n = config.zones_from_rules ? 0 : between(1, 4); n > 0; --n) {
      const auto zone = static_cast<std::uint16_t>(between(0, 65535));
      if (std::ranges::find(config.zones, zone) == config.zones.end()) config.zones.push_back(zone);
    }
    config.node_flows = coin();
    config.remote_names = coin();
    config.exact_accounting = coin();
    for (const char* prefix : {"10.10.0.0/16", "fd00:10::/56", "0.0.0.0/0", "::/0", "192.168.1.1/32"}) {
      if (coin()) config.pod_cidrs.push_back(*flowstore::parse_prefix(prefix));
    }
    config.metadata_socket = one_of<const char*>({"/run/a.sock", "/run/with blank", "/run/\"quoted\"", "/run/b\\n"});
    if (coin()) config.observation_domain_id = static_cast<std::uint32_t>(between(0, 4294967295));
    config.max_flows = static_cast<std::uint32_t>(between(1, 100'000'000));
    config.log_level = one_of<const char*>({"off", "error", "warn", "info", "debug"});
    config.template_refresh_ms = between(1'000, 604'800'000);
    config.statistics_interval_ms = between(1'000, 604'800'000);
    config.udp_max_message_octets = static_cast<std::uint32_t>(between(512, 65507));
    config.udp_segmentation = coin();
    for (int more = between(0, 2); more > 0; --more) {
      config.more_collectors.push_back({"192.0.2." + std::to_string(more), "", "", 4740, CollectorProtocol::udp});
    }
    config.spool = {between(0, 1) == 0 ? "" : "/var/spool/flows",
                    static_cast<std::uint64_t>(between(1 << 20, 1 << 30))};
    config.export_queue_octets = static_cast<std::uint64_t>(between(65536, std::int64_t{1} << 32));
    config.reconnect_max_ms = between(1'000, 604'800'000);
    config.shutdown_grace_ms = between(0, 600'000);
    config.metrics_address = one_of<const char*>({"", "127.0.0.1:9184", "0.0.0.0:1", "192.0.2.255:65535"});
    config.vswitchd_share_percent = static_cast<std::uint32_t>(between(1, 50));
    config.vswitchd_max_answer_octets = static_cast<std::uint64_t>(between(1 << 20, 1 << 30));
    for (const char* name : {"flowId", "ipVersion", "b\"x"}) {
      if (coin()) config.extra_elements.emplace_back(name);
    }
    config.profile = one_of<std::uint32_t>({55829, 56506});
    config.state_file = one_of<const char*>({"", "/var/lib/ofe/state", "/with blank/\"quoted\""});
    config.tls.ca_file = one_of<const char*>({"", "/etc/tls/ca.crt", "/with blank/\"quoted\""});
    if (coin()) config.tls.certificate_file = config.tls.key_file = "/etc/tls/both.pem";
    config.tls.server_name = one_of<const char*>({"", "collector.example", "192.0.2.1", "fd00::1"});
  }

  std::mt19937_64 random_;
};

TEST(ToYaml, IsReadBackAsTheSame) {
  constexpr std::uint64_t kSeed = 4739;
  RandomConfig configs(kSeed);
  for (int i = 0; i < 1'000; ++i) {
    const Config config = configs.next();
    const std::string yaml = to_yaml(config);
    const ParseResult result = parse(yaml, "effective", {{"flowId", "ipVersion", "b\"x"}});
    ASSERT_TRUE(result.settings.has_value()) << "seed " << kSeed << ", number " << i << "\n"
                                             << yaml << ::testing::PrintToString(result.errors);
    ASSERT_EQ(*result.settings, config) << "seed " << kSeed << ", number " << i << "\n" << yaml;
  }
}

TEST(ToYaml, TheDefaultsSpeakTheOlderSpelling) {
  EXPECT_EQ(to_yaml(Config{}),
            "featureGates:\n"
            "  FlowExporter: true\n"
            "  AntreaProxy: true\n"
            "flowCollectorAddr: \"\"\n"
            "flowPollInterval: 5s\n"
            "flowExportFrequency: 12\n"
            "ovsFlowExporter:\n"
            "  bridge: \"br-int\"\n"
            "  zones: ~\n"
            "  nodeFlows: true\n"
            "  remoteNames: false\n"
            "  exactAccounting: false\n"
            "  conntrackEvents: \"auto\"\n"
            "  podCIDRs: []\n"
            "  metadataSocket: \"/var/run/ovs-flow-exporter/metadata.sock\"\n"
            "  observationDomainId: ~\n"
            "  maxFlows: 1000000\n"
            "  logLevel: \"info\"\n"
            "  templateRefreshInterval: 10m\n"
            "  statisticsInterval: 1m\n"
            "  udpMaxMessageOctets: 1400\n"
            "  udpSegmentation: false\n"
            "  exportQueueOctets: 16777216\n"
            "  collectors: []\n"
            "  spool:\n"
            "    path: \"\"\n"
            "    maxBytes: 1073741824\n"
            "  reconnectMaxInterval: 1m\n"
            "  shutdownGrace: 2s\n"
            "  metricsAddress: \"\"\n"
            "  vswitchdSharePercent: 5\n"
            "  vswitchdMaxAnswerOctets: 67108864\n"
            "  deniedFlows: \"policy\"\n"
            "  profile: 55829\n"
            "  extraElements: []\n"
            "  stateFile: \"\"\n"
            "  tls:\n"
            "    caFile: \"\"\n"
            "    certificateFile: \"\"\n"
            "    keyFile: \"\"\n"
            "    serverName: \"\"\n");
}

TEST(ToYaml, TimeoutsSpeakTheNewerSpelling) {
  const std::string yaml = to_yaml(accept("flowExporter: {flowCollectorAddr: ns/svc, protocolFilter: [udp, tcp]}"));
  EXPECT_EQ(yaml.substr(0, yaml.find("ovsFlowExporter")),
            "featureGates:\n"
            "  AntreaProxy: true\n"
            "flowExporter:\n"
            "  enable: true\n"
            "  flowCollectorAddr: \"ns/svc:4739:tcp\"\n"
            "  flowPollInterval: 5s\n"
            "  activeFlowExportTimeout: 5s\n"
            "  idleFlowExportTimeout: 15s\n"
            "  protocolFilter: [udp, tcp]\n");
}

}  // namespace
}  // namespace ofe::config
