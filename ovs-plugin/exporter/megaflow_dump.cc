#include "ovs-plugin/exporter/megaflow_dump.h"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace ofe {
namespace {
constexpr std::size_t flows_per_slice = 2'000;  // about 1 ms

bool wants_drops(const State& state) {
  return state.settings.denied_flows != config::DeniedFlows::off;
}
}  // namespace

void MegaflowDump::begin(State& state) {
  state.denied.begin_dump();
  stage_.begin();
  place_ = Place::lines;
}

void MegaflowDump::add(std::string_view lines, State& state, flowstore::Now now) {
  const bool denied = wants_drops(state);
  const std::uint64_t unreadable = stage_.stats().unreadable;
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    const datapath::Megaflow* flow = stage_.add_line(lines.substr(0, end));
    if (denied && flow != nullptr) state.denied.add(*flow, now);
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  if (unreadable == 0 && stage_.stats().unreadable != 0) {
    spdlog::warn("dpctl/dump-flows: a line could not be read, counted from now on: {}", stage_.stats().last_unreadable);
  }
}

bool MegaflowDump::settle(State& state, flowstore::Now now) {
  const auto& zones = state.settings.zones;
  switch (place_) {
    case Place::lines:
      state.counters.begin_dump();
      if (wants_drops(state)) state.denied.end_dump();
      place_ = Place::pinned;
      return true;
    case Place::pinned:
      if (!stage_.each_pinned([&](std::uint16_t zone) { return std::ranges::find(zones, zone) != zones.end(); },
                              [&](const datapath::PinnedCounters& pinned) { state.counters.add_pinned(pinned, now); },
                              flows_per_slice)) {
        place_ = Place::gone_megaflows;
      }
      return true;
    case Place::gone_megaflows:
      if (!state.counters.end_dump(flows_per_slice)) place_ = Place::gone_tuples;
      return true;
    default:
      return state.counters.expire(now, flows_per_slice);
  }
}

}  // namespace ofe
