#include "ovs-plugin/config/export_settings.h"

#include <algorithm>
#include <array>

#include "ovs-plugin/config/values.h"

namespace ofe::config {
namespace {

constexpr std::size_t kMostCollectors = 16;
constexpr std::size_t kLongestFolder = 3'900;  // PATH_MAX with room for the files in it
constexpr std::uint64_t kLeastSpoolOctets = 1u << 20, kMostSpoolOctets = std::uint64_t{1} << 50;

void read_path(const YAML::Node& value, Config& config, const Complain& complain) {
  constexpr std::string_view kAllowed = "the absolute path of a folder, at most 3900 octets; empty: no spool";
  if (!expect_scalar(value, kAllowed, complain)) return;
  const std::string& path = value.Scalar();
  if (!path.empty() && !path.starts_with('/')) return complain(value, "is not an absolute path", kAllowed);
  if (path.size() > kLongestFolder) return complain(value, "is too long", kAllowed);
  config.spool.path = path;
}

void read_max_bytes(const YAML::Node& value, Config& config, const Complain& complain) {
  const auto octets = read_number(value, kLeastSpoolOctets, kMostSpoolOctets, complain);
  if (octets) config.spool.max_octets = *octets;
}

constexpr std::array kSpoolSettings = {
    Setting{"path", read_path,
            [](const Config& config, YAML::Emitter& out) { out << YAML::DoubleQuoted << config.spool.path; }},
    Setting{"maxBytes", read_max_bytes,
            [](const Config& config, YAML::Emitter& out) { out << config.spool.max_octets; }},
};

}  // namespace

void read_collectors(const YAML::Node& value, Config& config, const Complain& complain) {
  constexpr std::string_view kAllowed =
      "a list of at most 16 collectors, such as [\"192.0.2.1:4739:udp\", \"flow/collector:4739:tcp\"], each other than "
      "flowCollectorAddr and given once";
  if (!expect_list(value, kAllowed, complain)) return;
  std::vector<Collector> collectors;
  for (const YAML::Node& element : value) {
    std::string why = "it is no text";
    const auto collector = element.IsScalar() ? parse_collector(element.Scalar(), why) : std::nullopt;
    if (!collector) {
      complain(element, "is not a collector's address: " + why, kAllowed);
    } else if (std::ranges::find(collectors, *collector) != collectors.end()) {
      complain(element, "is given twice", kAllowed);
    } else {
      collectors.push_back(*collector);
    }
  }
  if (collectors.size() > kMostCollectors) return complain(value, "names too many", kAllowed);
  config.more_collectors = std::move(collectors);
}

void write_collectors(const Config& config, YAML::Emitter& out) {
  out << YAML::Flow << YAML::BeginSeq;
  for (const Collector& collector : config.more_collectors) out << YAML::DoubleQuoted << to_string(collector);
  out << YAML::EndSeq;
}

std::span<const Setting> spool_settings() {
  return kSpoolSettings;
}

}  // namespace ofe::config
