// From one process to the next: what the old one leaves, and how the new one goes on with it.
#include <algorithm>

#include "flowstore/store_impl.h"

namespace flowstore {
namespace {

// By conntrack's marks; without them nobody could say that an entry is still the same connection.
bool can_be_recognized(const Flow& flow, bool start_known) {
  return flow.id != 0 || (start_known && flow.start_wall_ms != 0);
}

}  // namespace

void Store::Impl::suspend(Now now) {
  finish_sweep(now);
  suspended_ = true;
  for (std::uint32_t id = 0; id < arena_.slots(); ++id) {
    const Slot& slot = arena_[id];
    if (slot.in_use && !slot.flow.ended && !slot.unseen) make_due(id, now.monotonic_ms);
  }
}

void Store::Impl::for_each_baseline(const std::function<bool(const Baseline&)>& visit) const {
  for (std::uint32_t id = 0; id < arena_.slots(); ++id) {
    const Slot& slot = arena_[id];
    if (!slot.in_use || slot.flow.ended) continue;
    const bool end_told = slot.unseen ? slot.end_told : suspended_ && !slot.flush;
    Baseline baseline{slot.flow, slot.start_known, end_told, EndReason::forced_end};
    if (!can_be_recognized(slot.flow, slot.start_known)) {
      if (slot.flow.pending == Counters{}) continue;
      baseline.flow.ended = true;
    }
    if (!visit(baseline)) return;
  }
  for (const std::uint32_t id : ended_) {
    const Slot& slot = arena_[id];
    if (!visit({slot.flow, slot.start_known, false, slot.end_reason})) return;
  }
}

bool Store::Impl::resume(const Baseline& baseline, Now now) {
  const Flow& flow = baseline.flow;
  const std::uint64_t hash = hash_key(flow.original, flow.reply);
  const std::uint32_t on_key = find(hash, flow.original, flow.reply);
  const bool key_lives = on_key != FlowIndex::none && !arena_[on_key].flow.ended;
  const bool can_live = !key_lives && can_be_recognized(flow, baseline.start_known);
  if (stats_.flows >= limits_.max_flows || (!flow.ended && !can_live)) {
    ++stats_.resume_refused;
    return false;
  }

  const std::uint32_t id = arena_.take();
  Slot& slot = arena_[id];
  slot.flow = flow;
  slot.flow.first_monotonic_ms = std::min(flow.first_monotonic_ms, now.monotonic_ms);
  slot.start_known = baseline.start_known;
  slot.task_parity = task_parity_;
  if (!key_lives) {
    if (on_key != FlowIndex::none) leave_index(on_key);
    index_.insert(hash, id);
    slot.indexed = true;
  }
  if (flow.ended) {
    slot.end_reason = baseline.end_reason;
    slot.active_due_ms = now.monotonic_ms;
    ended_.push_back(id);
    ++stats_.ended_waiting;
  } else {
    slot.unseen = true;
    slot.end_told = baseline.end_told;
    slot.seen_in.see_counting(scans_.mark(flow.zone));
    ++stats_.resumed_unseen;
  }
  ++stats_.flows;
  ++stats_.resumed;
  if (flow.statistics == Statistics::none) ++stats_.without_statistics;
  return true;
}

// Its deadlines keep the phase they had, so that what was spread over a period stays spread.
void Store::Impl::seen_again(std::uint32_t id, Now now) {
  catch_up(id);
  Slot& slot = arena_[id];
  slot.unseen = false;
  --stats_.resumed_unseen;
  start_deadlines(id, now);
  const std::int64_t into_period_ms = (now.monotonic_ms - slot.flow.first_monotonic_ms) % timing_.active_ms;
  slot.period_start_ms -= into_period_ms;
  slot.active_due_ms -= into_period_ms;
  deadlines_.set(id, regular_due_ms(slot));
}

void Store::suspend(Now now) {
  impl_->suspend(now);
}
std::size_t Store::suspended_unexported() const {
  return impl_->deadlines_.size() + impl_->ended_.size();
}
void Store::for_each_baseline(const std::function<bool(const Baseline&)>& visit) const {
  impl_->for_each_baseline(visit);
}
bool Store::resume(const Baseline& baseline, Now now) {
  return impl_->resume(baseline, now);
}

Births Store::births() const {
  return impl_->scans_.births();
}
void Store::resume_births(const Births& births) {
  if (impl_->stats_.resume_refused == 0) impl_->scans_.set_births(births);
}

}  // namespace flowstore
