#include "ovs-plugin/config/tls_settings.h"

#include <algorithm>
#include <array>

#include "ovs-plugin/config/own_settings.h"
#include "ovs-plugin/config/values.h"

namespace ofe::config {
namespace {

constexpr std::size_t kLongestPath = 4'000;  // PATH_MAX with room for a suffix

// Whether the file is there is another matter: a Secret may be mounted later than we start.
template <auto Member>
void read_file(const YAML::Node& value, Config& config, const Complain& complain) {
  constexpr std::string_view kAllowed = "the absolute path of a PEM file, at most 4000 octets; empty: none";
  if (!expect_scalar(value, kAllowed, complain)) return;
  const std::string& path = value.Scalar();
  if (!path.empty() && !path.starts_with('/')) return complain(value, "is not an absolute path", kAllowed);
  if (path.ends_with('/')) return complain(value, "is a folder", kAllowed);
  if (path.size() > kLongestPath) return complain(value, "is too long", kAllowed);
  config.tls.*Member = path;
}

void read_server_name(const YAML::Node& value, Config& config, const Complain& complain) {
  constexpr std::string_view kAllowed = "a DNS name or an IP address, as it stands in the collector's certificate";
  if (!expect_scalar(value, kAllowed, complain)) return;
  const std::string& name = value.Scalar();
  if (!name.empty() && !is_host(name)) return complain(value, "is neither a host name nor an address", kAllowed);
  config.tls.server_name = name;
}

template <auto Member>
void write(const Config& config, YAML::Emitter& out) {
  out << YAML::DoubleQuoted << config.tls.*Member;
}

constexpr std::array kSettings = {
    Setting{"caFile", read_file<&Tls::ca_file>, write<&Tls::ca_file>},
    Setting{"certificateFile", read_file<&Tls::certificate_file>, write<&Tls::certificate_file>},
    Setting{"keyFile", read_file<&Tls::key_file>, write<&Tls::key_file>},
    Setting{"serverName", read_server_name, write<&Tls::server_name>},
};

}  // namespace

std::span<const Setting> tls_settings() {
  return kSettings;
}

void check_tls(const Config& config, const Given& given, Findings& findings) {
  const std::string section = std::string(kOwnSection) + ".tls";
  const auto line_of = [&](const std::string& key) {
    const auto found = given.find(section + key);
    return found == given.end() ? 0 : found->second;
  };
  if (config.tls.certificate_file.empty() != config.tls.key_file.empty()) {
    const bool key_lacks = config.tls.key_file.empty();
    findings.error(
        line_of(key_lacks ? ".certificateFile" : ".keyFile"),
        section +
            (key_lacks ? ".certificateFile: is set without keyFile" : ".keyFile: is set without certificateFile") +
            "; allowed: both or none of them");
  }
  const std::vector<Collector> collectors = config.all_collectors();
  if (!config.enabled || collectors.empty()) return;
  const bool over_tls =
      std::ranges::any_of(collectors, [](const Collector& one) { return one.protocol == CollectorProtocol::tls; });
  if (!over_tls && !(config.tls == Tls{})) {
    findings.warning(line_of(""), section + ": is set, but \"" + to_string(collectors.front()) +
                                      "\" is not reached over tls: what is exported is not encrypted");
  }
  if (over_tls && config.tls.certificate_file.empty()) {
    findings.warning(0, section +
                            ".certificateFile: not set; the collector cannot tell who exports (RFC 7011 section "
                            "11.3 wants certificates of both sides)");
  }
}

}  // namespace ofe::config
