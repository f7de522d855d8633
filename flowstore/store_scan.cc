// The sweep: what is to be done to every flow, a slice at a time. That is the ends that the scans of the zones and the
// forgetting of zones lead to, and one task of another kind (Impl::Task).
#include <utility>

#include "flowstore/store_impl.h"

namespace flowstore {

void Store::Impl::end_scan(std::uint16_t zone, bool complete) {
  recent_ends_.end_scan(zone);
  if (scans_.end(zone, complete)) want_sweep();
}

void Store::Impl::forget_zone(std::uint16_t zone, Now now) {
  scans_.forget(zone, now);
  recent_ends_.end_scan(zone);
  want_sweep();
}

// A walk under way has passed flows that there is something new to do to: one more after it. What ZoneScans says of a
// flow it says at any time, so it does not matter to what is still to come that the walk began earlier.
void Store::Impl::want_sweep() {
  if (arena_.slots() != 0) (sweep_at_ == 0 ? sweep_wanted_ : sweep_again_) = true;
}

bool Store::Impl::sweep(std::size_t max_flows, Now now) {
  for (std::size_t step = 0; step < max_flows && sweep_wanted_; ++step) {
    const std::uint32_t id = sweep_at_++;
    Slot& slot = arena_[id];
    if (slot.in_use && !slot.flow.ended) {
      const bool forgotten = slot.seen_in.drop_absent(scans_, slot.flow.zone);
      if (slot.seen_in.empty()) end(id, forgotten ? EndReason::forced_end : EndReason::end_of_flow, now);
    }
    catch_up(id);
    if (sweep_at_ < arena_.slots()) continue;
    sweep_at_ = 0;
    sweep_wanted_ = std::exchange(sweep_again_, false);
    if (task_walks_ > 0 && --task_walks_ == 0) task_ = Task::none;
  }
  return sweep_wanted_;
}

void Store::Impl::finish_sweep(Now now) {
  while (sweep(arena_.slots(), now)) continue;
}

// One task at a time: who gives a second one before the first is done waits for it.
void Store::Impl::begin_task(Task task, Now now) {
  if (task_ != Task::none) finish_sweep(now);
  if (arena_.slots() == 0) return;
  task_ = task;
  task_began_ms_ = now.monotonic_ms;
  task_parity_ = !task_parity_;
  task_walks_ = sweep_at_ == 0 ? 1 : 2;
  want_sweep();
}

bool Store::Impl::catch_up(std::uint32_t id) {
  Slot& slot = arena_[id];
  if (slot.task_parity == task_parity_) return false;
  slot.task_parity = task_parity_;
  if (!slot.in_use || slot.flow.ended || slot.unseen) return false;
  if (task_ == Task::retime) {
    retime(id);
  } else {
    make_due(id, task_began_ms_);
  }
  return true;
}

}  // namespace flowstore
