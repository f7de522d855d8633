// Ends by absence: what the scans of the zones say, put into effect.
#include <utility>

#include "flowstore/store_impl.h"

namespace flowstore {

void Store::Impl::end_scan(std::uint16_t zone, bool complete) {
  recent_ends_.end_scan(zone);
  if (!scans_.end(zone, complete) || arena_.slots() == 0) return;
  // A walk under way has passed flows that this scan may end: one more after it. The judgement itself is ZoneScans' at
  // any time, so it does not matter to what is still to come that the walk began by an earlier scan.
  (sweep_at_ == 0 ? sweep_wanted_ : sweep_again_) = true;
}

bool Store::Impl::sweep(std::size_t max_flows, Now now) {
  for (std::size_t step = 0; step < max_flows && sweep_wanted_; ++step) {
    const std::uint32_t id = sweep_at_++;
    Slot& slot = arena_[id];
    if (slot.in_use && !slot.flow.ended) {
      slot.seen_in.drop_absent(scans_, slot.flow.zone);
      if (slot.seen_in.empty()) end(id, EndReason::end_of_flow, now);
    }
    if (sweep_at_ == arena_.slots()) {
      sweep_at_ = 0;
      sweep_wanted_ = std::exchange(sweep_again_, false);
    }
  }
  return sweep_wanted_;
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
  scans_.forget(zone, now);
  recent_ends_.end_scan(zone);
}

}  // namespace flowstore
