// Ends by absence: what the scans of the zones say, put into effect.
#include <algorithm>

#include "flowstore/store_impl.h"

namespace flowstore {

// ZoneScans answers for any time, so the walk goes round from wherever it stands: a scan that completes meanwhile only
// makes it go one full round more.
bool Store::Impl::sweep(std::size_t max_flows, Now now) {
  const std::uint32_t steps = static_cast<std::uint32_t>(std::min<std::size_t>(max_flows, sweep_left_));
  for (std::uint32_t step = 0; step < steps; ++step) {
    if (sweep_at_ >= arena_.slots()) sweep_at_ = 0;
    const std::uint32_t id = sweep_at_++;
    Slot& slot = arena_[id];
    if (!slot.in_use || slot.flow.ended) continue;
    slot.seen_in.drop_absent(scans_, slot.flow.zone);
    if (slot.seen_in.empty()) end(id, EndReason::end_of_flow, now);
  }
  sweep_left_ -= steps;
  return sweep_left_ != 0;
}

void Store::Impl::forget_zone(std::uint16_t zone, Now now) {
  for (std::uint32_t id = 0; id < arena_.slots(); ++id) {
    Slot& slot = arena_[id];
    if (!slot.in_use || slot.flow.ended) continue;
    slot.seen_in.drop_absent(scans_, slot.flow.zone);
    if (slot.seen_in.empty()) {
      end(id, EndReason::end_of_flow, now);
      continue;
    }
    if (slot.flow.zone == zone) {
      slot.seen_in.drop_counting();
    } else {
      slot.seen_in.drop_other(zone);
    }
    if (slot.seen_in.empty()) end(id, EndReason::forced_end, now);
  }
  scans_.forget(zone, now.wall_ms);
  recent_ends_.end_scan(zone);
}

}  // namespace flowstore
