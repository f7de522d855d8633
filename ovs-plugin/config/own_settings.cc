#include "ovs-plugin/config/own_settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "ovs-plugin/config/export_settings.h"
#include "ovs-plugin/config/tls_settings.h"
#include "ovs-plugin/config/values.h"

namespace ofe::config {
namespace {

constexpr std::size_t kLongestInterfaceName = 15;  // IFNAMSIZ: a bridge is an interface, too
constexpr std::size_t kLongestSocketPath = 107;    // sun_path of unix(7), with its final NUL
constexpr std::size_t kLongestPath = 4'000;        // PATH_MAX with room for a suffix

void read_bridge(const YAML::Node& value, Config& config, const Complain& complain) {
  constexpr std::string_view kAllowed = "the name of an Open vSwitch bridge: 1 to 15 characters, no blank, no slash";
  if (!expect_scalar(value, kAllowed, complain)) return;
  const std::string& name = value.Scalar();
  const bool fits = !name.empty() && name.size() <= kLongestInterfaceName &&
                    std::ranges::all_of(name, [](unsigned char c) { return c > 0x20 && c != '/' && c != 0x7f; });
  if (!fits) return complain(value, "cannot be the name of a bridge", kAllowed);
  config.bridge = name;
}

void read_zones(const YAML::Node& value, Config& config, const Complain& complain) {
  constexpr std::string_view kAllowed = "a list of conntrack zones, each 0 to 65535 and given once";
  if (!expect_list(value, kAllowed, complain)) return;
  if (value.size() == 0) return complain(value, "names no zone", kAllowed);
  std::vector<std::uint16_t> zones;
  std::set<std::uint16_t> seen;
  for (const YAML::Node& element : value) {
    const auto zone = read_number(element, 0, 65535, complain);
    if (!zone) continue;
    zones.push_back(static_cast<std::uint16_t>(*zone));
    if (!seen.insert(zones.back()).second) complain(element, "is given twice", kAllowed);
  }
  config.zones = std::move(zones);
  config.zones_from_rules = false;
}

void write_zones(const Config& config, YAML::Emitter& out) {
  if (config.zones_from_rules) {
    out << YAML::Null;
    return;
  }
  out << YAML::Flow << YAML::BeginSeq;
  for (const std::uint16_t zone : config.zones) out << zone;
  out << YAML::EndSeq;
}

void read_pod_cidrs(const YAML::Node& value, Config& config, const Complain& complain) {
  constexpr std::string_view kAllowed = "a list of prefixes, such as [10.10.0.0/16, \"fd00:10::/56\"]";
  if (!expect_list(value, kAllowed, complain)) return;
  std::vector<flowstore::Prefix> prefixes;
  for (const YAML::Node& element : value) {
    const auto prefix = element.IsScalar() ? flowstore::parse_prefix(element.Scalar()) : std::nullopt;
    if (prefix) {
      prefixes.push_back(*prefix);
    } else {
      complain(element, "is not a prefix", kAllowed);
    }
  }
  config.pod_cidrs = std::move(prefixes);
}

void write_pod_cidrs(const Config& config, YAML::Emitter& out) {
  out << YAML::Flow << YAML::BeginSeq;
  for (const flowstore::Prefix& prefix : config.pod_cidrs) out << YAML::DoubleQuoted << flowstore::to_string(prefix);
  out << YAML::EndSeq;
}

void read_metadata_socket(const YAML::Node& value, Config& config, const Complain& complain) {
  constexpr std::string_view kAllowed = "the absolute path of a unix socket, at most 107 octets";
  if (!expect_scalar(value, kAllowed, complain)) return;
  const std::string& path = value.Scalar();
  if (!path.starts_with('/')) return complain(value, "is not an absolute path", kAllowed);
  if (path.size() > kLongestSocketPath) return complain(value, "is too long", kAllowed);
  config.metadata_socket = path;
}

void read_state_file(const YAML::Node& value, Config& config, const Complain& complain) {
  constexpr std::string_view kAllowed = "the absolute path of a file, at most 4000 octets; empty: none";
  if (!expect_scalar(value, kAllowed, complain)) return;
  const std::string& path = value.Scalar();
  if (!path.empty() && !path.starts_with('/')) return complain(value, "is not an absolute path", kAllowed);
  if (path.ends_with('/')) return complain(value, "is a folder", kAllowed);
  if (path.size() > kLongestPath) return complain(value, "is too long", kAllowed);
  config.state_file = path;
}

void write_observation_domain_id(const Config& config, YAML::Emitter& out) {
  if (config.observation_domain_id) {
    out << *config.observation_domain_id;
  } else {
    out << YAML::Null;
  }
}

void read_log_level(const YAML::Node& value, Config& config, const Complain& complain) {
  constexpr std::array<std::string_view, 5> kLevels = {"off", "error", "warn", "info", "debug"};
  constexpr std::string_view kAllowed = "off, error, warn, info, debug";
  if (!expect_scalar(value, kAllowed, complain)) return;
  if (std::ranges::find(kLevels, value.Scalar()) == kLevels.end()) {
    return complain(value, "is not a log level", kAllowed);
  }
  config.log_level = value.Scalar();
}

void read_conntrack_events(const YAML::Node& value, Config& config, const Complain& complain) {
  constexpr std::string_view kAllowed = "auto, off";
  if (!expect_scalar(value, kAllowed, complain)) return;
  if (value.Scalar() != "auto" && value.Scalar() != "off") return complain(value, "is neither", kAllowed);
  config.conntrack_events = value.Scalar() == "auto";
}

void write_conntrack_events(const Config& config, YAML::Emitter& out) {
  out << YAML::DoubleQuoted << (config.conntrack_events ? "auto" : "off");
}

// Numeric: a Node's name may stand for several addresses. IPv4: Debian's civetweb, which serves it, is built without
// IPv6.
void read_metrics_address(const YAML::Node& value, Config& config, const Complain& complain) {
  constexpr std::string_view kAllowed =
      "<IPv4 address>:<port>, such as \"127.0.0.1:9184\" or \"0.0.0.0:9184\"; \"\" for no metrics";
  if (!expect_scalar(value, kAllowed, complain)) return;
  const std::string& text = value.Scalar();
  const std::size_t colon = std::min(text.rfind(':'), text.size());
  const auto address = flowstore::parse_address(text.substr(0, colon));
  const std::string port_text = text.substr(std::min(colon + 1, text.size()));
  std::uint16_t port = 0;
  const auto [end, status] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  const bool is_port = status == std::errc() && end == port_text.data() + port_text.size() && port != 0;
  const bool is_ipv4 = address && flowstore::is_ipv4(*address) && text.find(':') == colon;
  if (!text.empty() && !(is_ipv4 && is_port)) return complain(value, "is not an address to listen on", kAllowed);
  config.metrics_address = text;
}

constexpr std::array<std::pair<std::string_view, DeniedFlows>, 3> kDeniedFlows = {
    {{"policy", DeniedFlows::policy}, {"all", DeniedFlows::all}, {"off", DeniedFlows::off}}};

void read_denied_flows(const YAML::Node& value, Config& config, const Complain& complain) {
  constexpr std::string_view kAllowed = "policy, all, off";
  if (!expect_scalar(value, kAllowed, complain)) return;
  const auto* found = std::ranges::find(kDeniedFlows, value.Scalar(), [](const auto& known) { return known.first; });
  if (found == kDeniedFlows.end()) return complain(value, "is none of them", kAllowed);
  config.denied_flows = found->second;
}

void write_denied_flows(const Config& config, YAML::Emitter& out) {
  const auto* found =
      std::ranges::find(kDeniedFlows, config.denied_flows, [](const auto& known) { return known.second; });
  out << YAML::DoubleQuoted << std::string(found->first);
}

void read_profile(const YAML::Node& value, Config& config, const Complain& complain) {
  constexpr std::string_view kAllowed = "55829 (Antrea up to v0.10), 56506 (Antrea since)";
  if (!expect_scalar(value, kAllowed, complain)) return;
  if (value.Scalar() != "55829" && value.Scalar() != "56506") return complain(value, "is no profile", kAllowed);
  config.profile = value.Scalar() == "55829" ? 55829 : 56506;
}

// Which names there are is checked by those who know the records (extra_elements.h).
void read_extra_elements(const YAML::Node& value, Config& config, const Complain& complain) {
  constexpr std::string_view kAllowed = "a list of names of IANA elements, each once, at most 32";
  constexpr std::size_t kMostElements = 32;
  if (!expect_list(value, kAllowed, complain)) return;
  if (value.size() > kMostElements) return complain(value, "is too long", kAllowed);
  std::vector<std::string> names;
  for (const YAML::Node& element : value) {
    if (!element.IsScalar()) {
      complain(element, "is no name", kAllowed);
    } else if (std::ranges::find(names, element.Scalar()) != names.end()) {
      complain(element, "is given twice", kAllowed);
    } else {
      names.push_back(element.Scalar());
    }
  }
  config.extra_elements = std::move(names);
}

void write_extra_elements(const Config& config, YAML::Emitter& out) {
  out << YAML::Flow << YAML::BeginSeq;
  for (const std::string& name : config.extra_elements) out << YAML::DoubleQuoted << name;
  out << YAML::EndSeq;
}

constexpr std::uint64_t kU32 = std::numeric_limits<std::uint32_t>::max();

const std::array kSettings = {
    Setting{"bridge", read_bridge, write_quoted<&Config::bridge>},
    Setting{"zones", read_zones, write_zones},
    Setting{"nodeFlows", boolean<&Config::node_flows>, write_plain<&Config::node_flows>},
    Setting{"remoteNames", boolean<&Config::remote_names>, write_plain<&Config::remote_names>},
    Setting{"exactAccounting", boolean<&Config::exact_accounting>, write_plain<&Config::exact_accounting>},
    Setting{"conntrackEvents", read_conntrack_events, write_conntrack_events},
    Setting{"podCIDRs", read_pod_cidrs, write_pod_cidrs},
    Setting{"metadataSocket", read_metadata_socket, write_quoted<&Config::metadata_socket>},
    Setting{"observationDomainId", number<&Config::observation_domain_id, 0, kU32>, write_observation_domain_id},
    Setting{"maxFlows", number<&Config::max_flows, 1, 100'000'000>, write_plain<&Config::max_flows>},
    Setting{"logLevel", read_log_level, write_quoted<&Config::log_level>},
    Setting{"templateRefreshInterval", duration<&Config::template_refresh_ms, kSecondMs, kLongestMs>,
            write_duration<&Config::template_refresh_ms>},
    Setting{"statisticsInterval", duration<&Config::statistics_interval_ms, kSecondMs, kLongestMs>,
            write_duration<&Config::statistics_interval_ms>},
    // At most what one UDP datagram over IPv4 carries.
    Setting{"udpMaxMessageOctets", number<&Config::udp_max_message_octets, 512, 65507>,
            write_plain<&Config::udp_max_message_octets>},
    Setting{"udpSegmentation", boolean<&Config::udp_segmentation>, write_plain<&Config::udp_segmentation>},
    // At least one IPFIX message of the longest kind.
    Setting{"exportQueueOctets", number<&Config::export_queue_octets, 65536, std::uint64_t{1} << 32>,
            write_plain<&Config::export_queue_octets>},
    Setting{"collectors", read_collectors, write_collectors},
    Setting{"spool", nullptr, nullptr, spool_settings()},
    Setting{"reconnectMaxInterval", duration<&Config::reconnect_max_ms, kSecondMs, kLongestMs>,
            write_duration<&Config::reconnect_max_ms>},
    Setting{"shutdownGrace", duration<&Config::shutdown_grace_ms, 0, 600 * kSecondMs>,
            write_duration<&Config::shutdown_grace_ms>},
    Setting{"metricsAddress", read_metrics_address, write_quoted<&Config::metrics_address>},
    Setting{"vswitchdSharePercent", number<&Config::vswitchd_share_percent, 1, 50>,
            write_plain<&Config::vswitchd_share_percent>},
    Setting{"vswitchdMaxAnswerOctets", number<&Config::vswitchd_max_answer_octets, 1u << 20, 1u << 30>,
            write_plain<&Config::vswitchd_max_answer_octets>},
    Setting{"deniedFlows", read_denied_flows, write_denied_flows},
    Setting{"profile", read_profile, write_plain<&Config::profile>},
    Setting{"extraElements", read_extra_elements, write_extra_elements},
    Setting{"stateFile", read_state_file, write_quoted<&Config::state_file>},
    Setting{"tls", nullptr, nullptr, tls_settings()},
};

}  // namespace

std::span<const Setting> own_settings() {
  return kSettings;
}

}  // namespace ofe::config
