// zone/list, and what exporter/status says of zones.
#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "ovs-plugin/exporter/commands.h"
#include "ovs-plugin/exporter/exporter.h"

namespace ofe {
namespace {

constexpr std::size_t listing_limit = 2'000;

const char* family_text(std::uint8_t families) {
  switch (families) {
    case zones::ipv4:
      return "IPv4";
    case zones::ipv6:
      return "IPv6";
    case zones::ipv4 | zones::ipv6:
      return "IPv4, IPv6";
    default:
      return "";
  }
}

struct ZoneRow {
  std::uint16_t zone = 0;
  std::string bridge, family;
  std::vector<std::string> why;
  std::size_t more_reasons = 0;
  bool in_rules = false;  // the last reading had it
  ZoneEntries::Scan scan;
};

ZoneRow row_of(Exporter& exporter, std::uint16_t zone) {
  const State& state = exporter.state();
  ZoneRow row{zone, state.settings.bridge, "", {}, 0, false, state.zone_entries.last(zone)};
  const auto& watched = exporter.zones().watched().zones();
  const auto& listed = state.settings.zones;
  const bool wanted = std::ranges::find(listed, zone) != listed.end();
  if (!wanted && zone == host_zone) {
    row.bridge = "";
    row.why.emplace_back("nodeFlows");
  } else if (!state.settings.zones_from_rules) {
    row.why.emplace_back("ovsFlowExporter.zones");
  } else if (const auto found = watched.find(zone); found != watched.end()) {
    row.family = family_text(found->second.reasons.families);
    row.why = found->second.reasons.why;
    row.more_reasons = found->second.reasons.more;
    row.in_rules = found->second.missed == 0;
    if (!row.in_rules) row.why.insert(row.why.begin(), "not in the last reading; before");
  } else {
    row.why.emplace_back(wanted ? "default, the rules have shown no zone yet"
                                : "of the exporter before, until the rules have been read");
  }
  return row;
}

Json unresolved_json(const ZonesPartStats& stats) {
  Json json = Json::array();
  for (const zones::Unresolved& one : stats.unresolved) {
    json.push_back({{"rule", to_string(one.rule)}, {"field", one.field}, {"why", one.why}});
  }
  return json;
}

std::string text_of(const ZoneRow& row) {
  std::string why;
  for (const std::string& reason : row.why) why += (why.empty() ? "" : "; ") + reason;
  if (row.more_reasons != 0) why += fmt::format(" and {} more", row.more_reasons);
  const auto or_dash = [](const std::string& text) { return text.empty() ? std::string("-") : text; };
  const std::string entries = row.scan.wall_ms == 0 ? "-" : std::to_string(row.scan.entries);
  return fmt::format("{:<6} {:<15} {:<10} {:>8}  {}\n", row.zone, or_dash(row.bridge), or_dash(row.family), entries,
                     why);
}

Json json_of(const ZoneRow& row) {
  Json json{{"zone", row.zone},
            {"bridge", row.bridge},
            {"family", row.family},
            {"why", row.why},
            {"moreReasons", row.more_reasons}};
  if (row.scan.wall_ms != 0) {
    json["entries"] = row.scan.entries;
    json["lastScan"] = time_text(row.scan.wall_ms);
  }
  return json;
}

}  // namespace

Answer zone_list(Exporter& exporter, const Arguments& arguments) {
  bool json = false;
  Answer wrong;
  if (!take_json_flag(arguments, json, wrong, "zone/list [--json]")) return wrong;
  std::vector<std::uint16_t> numbers = exporter.conntrack().zones();
  const std::size_t left_out = numbers.size() - std::min(numbers.size(), listing_limit);
  numbers.resize(numbers.size() - left_out);
  Json rows = Json::array();
  std::string text = fmt::format("{:<6} {:<15} {:<10} {:>8}  {}\n", "ZONE", "BRIDGE", "FAMILY", "ENTRIES", "WHY");
  for (const std::uint16_t number : numbers) {
    const ZoneRow row = row_of(exporter, number);
    if (json) {
      rows.push_back(json_of(row));
    } else {
      text += text_of(row);
    }
  }
  const ZonesPartStats& stats = exporter.zones().stats();
  if (json) {
    return {
        true,
        Json{{"zones", std::move(rows)}, {"leftOut", left_out}, {"unresolved", unresolved_json(stats)}}.dump() + "\n"};
  }
  if (left_out != 0) text += fmt::format("{} more\n", left_out);
  for (const zones::Unresolved& one : stats.unresolved) {
    text += fmt::format("not resolved: {}: zone from {}: {}\n", to_string(one.rule), one.field, one.why);
  }
  return {true, text};
}

Json zones_status(Exporter& exporter) {
  const ZonesPart& part = exporter.zones();
  const ZonesPartStats& stats = part.stats();
  return {{"source", part.source()},
          {"watched", exporter.conntrack().zones().size()},
          {"unresolved", unresolved_json(stats)},
          {"unresolvedMore", stats.unresolved_more},
          {"readings", stats.readings},
          {"readingsIncomplete", stats.readings_incomplete},
          {"readingsFailed", stats.readings_failed},
          {"lastReading", time_text(stats.last_reading_wall_ms)},
          {"lastReadingMs", stats.last_reading_ms},
          {"lastCostMs", stats.last_cost_ms},
          {"intervalMs", stats.interval_ms},
          {"rules", stats.rules},
          {"undecodable", stats.undecodable},
          {"tablesTooLong", stats.tables_too_long},
          {"writesDropped", stats.writes_dropped},
          {"lastError", stats.last_error}};
}

}  // namespace ofe
