#include "flowstore/zone_scans.h"

#include <algorithm>

namespace flowstore {
namespace {

// What appears now may have begun a little after the clocks were read for it.
constexpr std::int64_t reading_delay_ms = 1'000;

}  // namespace

void ZoneScans::begin(std::uint16_t zone, Now now) {
  follow_clocks(now);
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

bool ZoneScans::forgotten(std::uint16_t zone, std::uint32_t mark) const {
  const State* scans = find(zone);
  return scans && mark < scans->forgotten_before;
}

bool ZoneScans::seen_by_open_scan(std::uint16_t zone, std::uint32_t mark) const {
  const State* scans = find(zone);
  return scans && scans->open && scans->begun == mark;
}

Births ZoneScans::births() const {
  Births births{started_wall_ms_, {}};
  for (const auto& [zone, scans] : zones_) {
    if (scans.births_from_wall_ms != started_wall_ms_) births.of_zones.push_back({zone, scans.births_from_wall_ms});
  }
  return births;
}

void ZoneScans::set_births(const Births& births) {
  started_wall_ms_ = births.from_wall_ms;
  for (const Births::OfZone& of : births.of_zones) state(of.zone).births_from_wall_ms = of.from_wall_ms;
}

bool ZoneScans::birth_seen(std::uint16_t zone, std::int64_t start_wall_ms, Now now) {
  follow_clocks(now);
  const State& scans = state(zone);
  const bool in_future = start_wall_ms > now.wall_ms + reading_delay_ms;
  if (start_wall_ms >= scans.births_from_wall_ms && !in_future) return true;
  if (start_wall_ms != 0 && start_wall_ms < scans.lowest_wall_ms) return false;
  return scans.last_complete != 0;
}

void ZoneScans::forget(std::uint16_t zone, Now now) {
  follow_clocks(now);
  State& scans = state(zone);
  scans.open = false;
  scans.forgotten_before = ++scans.begun;
  scans.last_complete = 0;
  scans.previous_complete = 0;
  // A connection that began within this very millisecond may have been seen before: rather not counted than twice.
  scans.births_from_wall_ms = now.wall_ms + 1;
  scans.lowest_wall_ms = scans.births_from_wall_ms;
}

// Between setting and slewing only setting shows here: the kernel slews both clocks alike.
void ZoneScans::follow_clocks(Now now) {
  // The moment of the last look on the clock as it is set now: what was born since has no earlier start time.
  const std::int64_t since_wall_ms = now.wall_ms - (now.monotonic_ms - clocks_.monotonic_ms);
  const bool set_back = since_wall_ms < clocks_.wall_ms;
  clocks_ = now;
  if (!set_back) return;
  lowest_wall_ms_ = std::min(lowest_wall_ms_, since_wall_ms);
  for (auto& [zone, scans] : zones_) scans.lowest_wall_ms = std::min(scans.lowest_wall_ms, since_wall_ms);
}

ZoneScans::State& ZoneScans::state(std::uint16_t zone) {
  const auto [found, added] = zones_.try_emplace(zone);
  if (added) {
    found->second.births_from_wall_ms = started_wall_ms_;
    found->second.lowest_wall_ms = lowest_wall_ms_;
  }
  return found->second;
}

const ZoneScans::State* ZoneScans::find(std::uint16_t zone) const {
  const auto found = zones_.find(zone);
  return found == zones_.end() ? nullptr : &found->second;
}

}  // namespace flowstore
