#include "ovs-plugin/zones/watch_list.h"

namespace ofe::zones {

bool WatchList::follow(const Resolution& reading, bool complete, std::int64_t hold_ms, Times now) {
  bool changed = false;
  for (const auto& [zone, reasons] : reading.zones) {
    const auto [at, added] = zones_.try_emplace(zone);
    if (added) at->second.since_wall_ms = now.wall_ms;
    changed |= added;
    at->second.reasons = reasons;
    at->second.missing_since_ms = -1;
    at->second.missed = 0;
  }
  if (!complete || reading.zones.empty()) return changed;
  for (auto at = zones_.begin(); at != zones_.end();) {
    WatchedZone& zone = at->second;
    if (reading.zones.contains(at->first)) {
      ++at;
      continue;
    }
    if (zone.missed++ == 0) zone.missing_since_ms = now.monotonic_ms;
    const bool leaves = zone.missed >= 2 && now.monotonic_ms - zone.missing_since_ms >= hold_ms;
    at = leaves ? zones_.erase(at) : std::next(at);
    changed |= leaves;
  }
  return changed;
}

std::vector<std::uint16_t> WatchList::numbers() const {
  std::vector<std::uint16_t> numbers;
  for (const auto& [zone, watched] : zones_) numbers.push_back(zone);
  return numbers;
}

}  // namespace ofe::zones
