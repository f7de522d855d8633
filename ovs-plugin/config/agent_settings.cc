#include "ovs-plugin/config/agent_settings.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "ovs-plugin/config/own_settings.h"
#include "ovs-plugin/config/tls_settings.h"
#include "ovs-plugin/config/values.h"

namespace ofe::config {
namespace {

constexpr std::int64_t kActiveTimeoutMs = 5 * kSecondMs;  // the newer agent's defaults
constexpr std::int64_t kIdleTimeoutMs = 15 * kSecondMs;

// protocolFilter's names and IANA's numbers.
constexpr std::array<std::pair<std::string_view, std::uint8_t>, 5> kProtocols = {
    {{"tcp", 6}, {"udp", 17}, {"sctp", 132}, {"icmp", 1}, {"icmpv6", 58}}};

void read_collector(const YAML::Node& value, Config& config, const Complain& complain) {
  constexpr std::string_view kAllowed =
      "<host>:<port>[:<proto>], [<IPv6 address>]:<port>[:<proto>] or the Service "
      "<namespace>/<name>[:<port>][:<proto>], "
      "where proto is tcp, udp or tls";
  if (!expect_scalar(value, kAllowed, complain)) return;
  std::string why;
  config.collector = parse_collector(value.Scalar(), why);
  if (!config.collector) complain(value, "is not a collector's address: " + why, kAllowed);
}

void write_collector(const Config& config, YAML::Emitter& out) {
  out << YAML::DoubleQuoted << (config.collector ? to_string(*config.collector) : "");
}

void read_protocols(const YAML::Node& value, Config& config, const Complain& complain) {
  constexpr std::string_view kAllowed = "a list of tcp, udp, sctp, icmp, icmpv6";
  if (!expect_list(value, kAllowed, complain)) return;
  std::vector<std::uint8_t> protocols;
  for (const YAML::Node& element : value) {
    std::string name = element.IsScalar() ? element.Scalar() : "";
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const auto found = std::ranges::find(kProtocols, name, [](const auto& protocol) { return protocol.first; });
    if (found == kProtocols.end()) {
      complain(element, "is not a protocol flows are filtered by", kAllowed);
    } else if (std::ranges::find(protocols, found->second) == protocols.end()) {
      protocols.push_back(found->second);
    }
  }
  config.protocols = std::move(protocols);
}

void write_protocols(const Config& config, YAML::Emitter& out) {
  out << YAML::Flow << YAML::BeginSeq;
  for (const std::uint8_t number : config.protocols) {
    out << std::string(
        std::ranges::find(kProtocols, number, [](const auto& protocol) { return protocol.second; })->first);
  }
  out << YAML::EndSeq;
}

template <auto Member>
void write_optional_duration(const Config& config, YAML::Emitter& out) {
  out << duration_text(*(config.*Member));
}

// The gate and flowExporter.enable are two conditions of the newer agent, not two spellings: both must hold.
void read_enabled(const YAML::Node& value, Config& config, const Complain& complain) {
  const bool already = config.enabled;
  boolean<&Config::enabled>(value, config, complain);
  config.enabled = config.enabled && already;
}

constexpr Setting kCollector{"flowCollectorAddr", read_collector, write_collector};
constexpr Setting kPollInterval{"flowPollInterval", duration<&Config::poll_interval_ms, kSecondMs, kLongestMs>,
                                write_duration<&Config::poll_interval_ms>};
constexpr Setting kFrequency{"flowExportFrequency",
                             number<&Config::export_frequency, 1, std::numeric_limits<std::uint32_t>::max()>,
                             write_plain<&Config::export_frequency>};
constexpr Setting kEnable{"enable", read_enabled, write_plain<&Config::enabled>};
constexpr Setting kActiveTimeout{"activeFlowExportTimeout", duration<&Config::active_timeout_ms, kSecondMs, kLongestMs>,
                                 write_optional_duration<&Config::active_timeout_ms>};
constexpr Setting kIdleTimeout{"idleFlowExportTimeout", duration<&Config::idle_timeout_ms, kSecondMs, kLongestMs>,
                               write_optional_duration<&Config::idle_timeout_ms>};
constexpr Setting kProtocolFilter{"protocolFilter", read_protocols, write_protocols};
constexpr Setting kFlowExporterGate{"FlowExporter", read_enabled, write_plain<&Config::enabled>};
constexpr Setting kAntreaProxyGate{"AntreaProxy", boolean<&Config::antrea_proxy>, write_plain<&Config::antrea_proxy>};

constexpr std::array kTopLevel = {kCollector, kPollInterval, kFrequency};
constexpr std::array kFeatureGates = {kFlowExporterGate, kAntreaProxyGate};
constexpr std::array kFlowExporter = {kEnable,        kCollector,   kPollInterval,
                                      kActiveTimeout, kIdleTimeout, kProtocolFilter};

// Two names of the same setting, or two that contradict each other: no order of precedence is guessed.
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kExclusive = {{
    {"flowCollectorAddr", "flowExporter.flowCollectorAddr"},
    {"flowPollInterval", "flowExporter.flowPollInterval"},
    {"flowExportFrequency", "flowExporter.activeFlowExportTimeout"},
    {"flowExportFrequency", "flowExporter.idleFlowExportTimeout"},
}};

void check_exclusive(const Given& given, Findings& findings) {
  for (const auto& [older, newer] : kExclusive) {
    const auto a = given.find(older), b = given.find(newer);
    if (a == given.end() || b == given.end()) continue;
    findings.error(std::max(a->second, b->second),
                   std::string(newer) + " (line " + std::to_string(findings.line_in_file(b->second)) + ") and " +
                       std::string(older) + " (line " + std::to_string(findings.line_in_file(a->second)) +
                       ") set the same thing; allowed: one of the two");
  }
}

}  // namespace

void read_agent_settings(const YAML::Node& root, Config& config, Findings& findings) {
  Given given;
  bool newer_spelling = false;
  each_key(root, 0, "", findings, [&](const std::string& key, int line, const YAML::Node& value) {
    const auto setting = std::ranges::find(kTopLevel, key, &Setting::key);
    if (setting != kTopLevel.end()) {
      read_setting(*setting, key, line, value, Owner::agent, config, given, findings);
    } else if (key == "featureGates") {
      read_section(value, line, key, kFeatureGates, Owner::agent, config, given, findings);
    } else if (key == "flowExporter") {
      newer_spelling = read_section(value, line, key, kFlowExporter, Owner::agent, config, given, findings);
    } else if (key == kOwnSection) {
      read_section(value, line, key, own_settings(), Owner::ours, config, given, findings);
    } else {
      report_unknown_key(
          key, key, line,
          {kCollector.key, kPollInterval.key, kFrequency.key, "featureGates", "flowExporter", kOwnSection},
          Owner::agent, findings);
    }
  });
  check_exclusive(given, findings);
  check_tls(config, given, findings);
  if (newer_spelling && !given.contains(kFrequency.key)) {
    config.active_timeout_ms = config.active_timeout_ms.value_or(kActiveTimeoutMs);
    config.idle_timeout_ms = config.idle_timeout_ms.value_or(kIdleTimeoutMs);
  }
  if (config.collector &&
      std::ranges::find(config.more_collectors, *config.collector) != config.more_collectors.end()) {
    findings.error(0, std::string(kOwnSection) + ".collectors: names flowCollectorAddr once more");
  }
  if (config.enabled && config.all_collectors().empty()) {
    findings.warning(0, "flowCollectorAddr: not set; flows are shown by ovs-appctl and exported nowhere");
  }
}

void write_agent_settings(const Config& config, YAML::Emitter& out) {
  const auto write = [&](const Setting& setting) {
    out << YAML::Key << std::string(setting.key) << YAML::Value;
    setting.write(config, out);
  };
  const bool newer = config.active_timeout_ms.has_value();
  out << YAML::Key << "featureGates" << YAML::Value << YAML::BeginMap;
  if (!newer) write(kFlowExporterGate);
  write(kAntreaProxyGate);
  out << YAML::EndMap;
  if (!newer) {
    for (const Setting& setting : kTopLevel) write(setting);
  }
  if (!newer && config.protocols.empty()) return;
  out << YAML::Key << "flowExporter" << YAML::Value << YAML::BeginMap;
  if (newer) {
    for (const Setting& setting : kFlowExporter) write(setting);
  } else {
    write(kProtocolFilter);
  }
  out << YAML::EndMap;
}

}  // namespace ofe::config
