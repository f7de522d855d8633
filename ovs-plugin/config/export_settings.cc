#include "ovs-plugin/config/export_settings.h"

#include <algorithm>

#include "ovs-plugin/config/values.h"

namespace ofe::config {
namespace {

constexpr std::size_t kMostCollectors = 16;
constexpr std::size_t kLongestFolder = 3'900;  // PATH_MAX with room for the files in it
constexpr std::uint64_t kLeastSpoolOctets = 1u << 20, kMostSpoolOctets = std::uint64_t{1} << 50;

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

void read_spool(const YAML::Node& value, Config& config, const Complain& complain) {
  constexpr std::string_view kAllowed =
      "{path: <absolute path of a folder>, maxBytes: <1048576 or more>}; path \"\" for no spool";
  if (!value.IsMap()) return complain(value, "is not a mapping", kAllowed);
  SpoolSettings spool;
  for (const auto& entry : value) {
    const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
    if (key == "path") {
      const std::string path = entry.second.IsScalar() ? entry.second.Scalar() : "?";
      const bool fits = path.empty() || (path.starts_with('/') && path.size() <= kLongestFolder);
      if (!fits) return complain(entry.second, "is not the absolute path of a folder", kAllowed);
      spool.path = path;
    } else if (key == "maxBytes") {
      const auto octets = read_number(entry.second, kLeastSpoolOctets, kMostSpoolOctets, complain);
      if (!octets) return;
      spool.max_octets = *octets;
    } else {
      return complain(entry.first, "is no key of spool", kAllowed);
    }
  }
  config.spool = spool;
}

void write_spool(const Config& config, YAML::Emitter& out) {
  out << YAML::BeginMap << YAML::Key << "path" << YAML::Value << YAML::DoubleQuoted << config.spool.path << YAML::Key
      << "maxBytes" << YAML::Value << config.spool.max_octets << YAML::EndMap;
}

}  // namespace ofe::config
