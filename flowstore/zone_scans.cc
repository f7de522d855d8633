#include "flowstore/zone_scans.h"

namespace flowstore {

void ZoneScans::begin(std::uint16_t zone) {
  State& scans = state(zone);
  ++scans.begun;
  scans.open = true;
}

bool ZoneScans::end(std::uint16_t zone, bool complete) {
  State& scans = state(zone);
  const bool judged = scans.open && complete;
  scans.open = false;
  if (!judged) return false;
  scans.previous_complete = scans.last_complete;
  scans.last_complete = scans.begun;
  return true;
}

std::uint32_t ZoneScans::mark(std::uint16_t zone) const {
  const State* scans = find(zone);
  return scans ? scans->begun : 0;
}

bool ZoneScans::absent(std::uint16_t zone, std::uint32_t mark) const {
  const State* scans = find(zone);
  return scans && scans->previous_complete > mark;
}

bool ZoneScans::birth_seen(std::uint16_t zone, std::int64_t start_wall_ms) const {
  const State* scans = find(zone);
  if (start_wall_ms == 0) return scans && scans->last_complete != 0;
  return start_wall_ms >= (scans ? scans->births_from_wall_ms : started_wall_ms_);
}

void ZoneScans::forget(std::uint16_t zone, std::int64_t now_wall_ms) {
  State& scans = state(zone);
  scans.open = false;
  scans.last_complete = 0;
  scans.previous_complete = 0;
  // A connection that began within this very millisecond may have been seen before: rather not counted than twice.
  scans.births_from_wall_ms = now_wall_ms + 1;
}

ZoneScans::State& ZoneScans::state(std::uint16_t zone) {
  const auto [found, added] = zones_.try_emplace(zone);
  if (added) found->second.births_from_wall_ms = started_wall_ms_;
  return found->second;
}

const ZoneScans::State* ZoneScans::find(std::uint16_t zone) const {
  const auto found = zones_.find(zone);
  return found == zones_.end() ? nullptr : &found->second;
}

}  // namespace flowstore
