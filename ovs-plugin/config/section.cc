#include "ovs-plugin/config/section.h"

#include <algorithm>
#include <cctype>
#include <numeric>

namespace ofe::config {
namespace {

// Number of letters to insert, drop or change, case aside (Levenshtein).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t substitute = diagonal + (lower(a[i]) == lower(b[j]) ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({substitute, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

constexpr std::size_t kLongestComparedKey = 100;  // the distance takes the product of both lengths

}  // namespace

bool each_key(const YAML::Node& node, int line, std::string_view name, Findings& findings,
              const std::function<void(const std::string& key, int line, const YAML::Node& value)>& visit) {
  if (!node.IsDefined() || node.IsNull()) return false;
  const std::string where = name.empty() ? "the configuration" : std::string(name);
  if (!node.IsMap()) {
    findings.wrong_value(line, where, node, "is not a mapping", "keys with values, one per line: \"key: value\"");
    return false;
  }
  std::map<std::string, int> seen;
  for (const auto& entry : node) {
    const int at = entry.first.Mark().line;
    if (!entry.first.IsScalar()) {
      findings.error(at, where + ": a key that is not plain text");
      continue;
    }
    const std::string key = entry.first.Scalar();
    const auto [first, inserted] = seen.emplace(key, at);
    if (!inserted) {
      findings.error(at, (name.empty() ? "" : std::string(name) + ".") + key + ": given twice (first on line " +
                             std::to_string(findings.line_in_file(first->second)) + ")");
      continue;
    }
    visit(key, at, entry.second);
  }
  return true;
}

void read_setting(const Setting& setting, const std::string& full_name, int line, const YAML::Node& value, Owner owner,
                  Config& config, Given& given, Findings& findings) {
  const bool is_empty = value.IsScalar() && value.Scalar().empty();
  if (value.IsNull() || (is_empty && owner == Owner::agent)) return;
  given.emplace(full_name, line);
  if (!setting.section.empty()) {
    read_section(value, line, full_name, setting.section, owner, config, given, findings);
    return;
  }
  setting.read(value, config, [&](const YAML::Node& wrong, std::string_view why, std::string_view allowed) {
    // An alias (*x) is marked where its anchor stands, which may be above the key.
    findings.wrong_value(std::max(line, wrong.Mark().line), full_name, wrong, why, allowed);
  });
}

bool read_section(const YAML::Node& node, int line, std::string_view name, std::span<const Setting> settings,
                  Owner owner, Config& config, Given& given, Findings& findings) {
  return each_key(node, line, name, findings, [&](const std::string& key, int at, const YAML::Node& value) {
    const std::string full_name = std::string(name) + "." + key;
    const auto found = std::ranges::find(settings, key, &Setting::key);
    if (found != settings.end()) {
      read_setting(*found, full_name, at, value, owner, config, given, findings);
      return;
    }
    std::vector<std::string_view> known;
    for (const Setting& setting : settings) known.push_back(setting.key);
    report_unknown_key(full_name, key, at, known, owner, findings);
  });
}

std::string_view nearest_name(std::string_view given, const std::vector<std::string_view>& known,
                              std::size_t* distance) {
  const std::string_view compared = given.substr(0, kLongestComparedKey);
  std::string_view nearest;
  std::size_t least = kLongestComparedKey;
  for (const std::string_view candidate : known) {
    const std::size_t d = edit_distance(compared, candidate);
    if (d < least) {
      nearest = candidate;
      least = d;
    }
  }
  if (distance != nullptr) *distance = least;
  return nearest;
}

void report_unknown_key(const std::string& full_name, const std::string& key, int line,
                        const std::vector<std::string_view>& known, Owner owner, Findings& findings) {
  std::size_t distance = 0;
  const std::string_view nearest = nearest_name(key, known, &distance);
  const std::string name = full_name.substr(0, kLongestComparedKey);
  if (owner == Owner::ours) {
    findings.error(line, name + ": unknown key; the nearest known one is \"" + std::string(nearest) + "\"");
  } else if (distance <= 2) {
    findings.warning(line, name + ": unknown key, ignored; did you mean \"" + std::string(nearest) + "\"?");
  }
}

}  // namespace ofe::config
