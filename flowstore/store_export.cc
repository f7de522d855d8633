// Deadlines, and the records they lead to.
#include <algorithm>
#include <limits>

#include "flowstore/prefetch.h"
#include "flowstore/store_impl.h"

namespace flowstore {
namespace {

constexpr std::int64_t never_ms = std::numeric_limits<std::int64_t>::max();

}  // namespace

bool Store::Impl::idle_at(const Slot& slot, std::int64_t monotonic_ms) const {
  return timing_.idle_ms > 0 && !slot.idle_exported && monotonic_ms - slot.last_growth_ms >= timing_.idle_ms;
}

// Of a living flow that was not exported as idle.
std::int64_t Store::Impl::regular_due_ms(const Slot& slot) const {
  if (timing_.idle_ms <= 0) return slot.active_due_ms;
  return std::min(slot.active_due_ms, slot.last_growth_ms + timing_.idle_ms);
}

void Store::Impl::start_deadlines(std::uint32_t id, Now now) {
  Slot& slot = arena_[id];
  slot.idle_exported = false;
  slot.period_start_ms = now.monotonic_ms;
  slot.active_due_ms = now.monotonic_ms + timing_.active_ms;
  slot.last_growth_ms = now.monotonic_ms;
  if (!slot.flush) deadlines_.set(id, regular_due_ms(slot));
}

// The idle deadline this moves is not moved in the heap, where one entry would be touched per packet seen: the entry
// may be too early, and settle_top puts it right when its time has come.
void Store::Impl::counted_at(std::uint32_t id, Now now) {
  catch_up(id);
  Slot& slot = arena_[id];
  slot.last_growth_ms = now.monotonic_ms;
  if (slot.idle_exported && !slot.flow.ended) start_deadlines(id, now);
}

void Store::Impl::set_timing(ExportTiming wanted, Now now) {
  wanted.active_ms = std::max<std::int64_t>(wanted.active_ms, 1);
  if (wanted.active_ms == timing_.active_ms && wanted.idle_ms == timing_.idle_ms) return;
  begin_task(Task::retime, now);
  timing_ = wanted;
}

// By the timing that is in force since the task began.
void Store::Impl::retime(std::uint32_t id) {
  Slot& slot = arena_[id];
  if (slot.idle_exported) {
    if (timing_.idle_ms > 0) return;
    slot.idle_exported = false;  // nothing is idle any more: it is exported as often as the others again
    slot.period_start_ms = task_began_ms_;
    slot.active_due_ms = task_began_ms_ + timing_.active_ms;
  }
  slot.active_due_ms = std::min(slot.active_due_ms, slot.period_start_ms + timing_.active_ms);
  if (!slot.flush) deadlines_.set(id, regular_due_ms(slot));
}

void Store::Impl::make_due(std::uint32_t id, std::int64_t due_ms) {
  Slot& slot = arena_[id];
  if (slot.flush) return;
  const std::int64_t own_due_ms = slot.idle_exported ? never_ms : regular_due_ms(slot);
  slot.flush = true;
  deadlines_.set(id, std::min(own_due_ms, due_ms));
}

std::optional<std::int64_t> Store::Impl::next_deadline_ms() const {
  std::int64_t due_ms = never_ms;
  if (!deadlines_.empty()) due_ms = deadlines_.top().due_ms;
  if (!ended_.empty()) due_ms = std::min(due_ms, arena_[ended_.front()].active_due_ms);
  if (due_ms == never_ms) return std::nullopt;
  return due_ms;
}

// Afterwards the heap's first entry is exact, or later than until_ms.
void Store::Impl::settle_top(std::int64_t until_ms) {
  while (!deadlines_.empty() && deadlines_.top().due_ms <= until_ms) {
    const std::uint32_t id = deadlines_.top().slot;
    if (catch_up(id)) continue;
    const Slot& slot = arena_[id];
    if (slot.flush || regular_due_ms(slot) <= deadlines_.top().due_ms) return;
    deadlines_.set(id, regular_due_ms(slot));
  }
}

// A million flows are in no cache: those that come next are on their way from memory while the ones before them are
// handed out, this many at a time.
constexpr std::size_t export_group = 8;

void Store::Impl::prefetch_next_due() const {
  constexpr std::size_t foremost = 1 + 4 + 16;  // the heap's first three levels
  for (const Deadlines::Entry& entry : deadlines_.foremost(foremost)) prefetch(&arena_[entry.slot], sizeof(Slot));
  for (std::size_t i = export_group; i < std::min(2 * export_group, ended_.size()); ++i) {
    prefetch(&arena_[ended_[i]], sizeof(Slot));
  }
}

std::size_t Store::Impl::export_due(Now now, std::size_t max, const std::function<bool(Export&)>& sink,
                                    std::size_t max_living) {
  std::size_t taken = 0;
  std::size_t living = 0;
  for (; taken < max; ++taken) {
    if (taken % export_group == 0) prefetch_next_due();
    settle_top(now.monotonic_ms);
    const bool none_living = deadlines_.empty() || living >= max_living;
    const std::int64_t live_due_ms = none_living ? never_ms : deadlines_.top().due_ms;
    const std::int64_t ended_due_ms = ended_.empty() ? never_ms : arena_[ended_.front()].active_due_ms;
    if (std::min(live_due_ms, ended_due_ms) > now.monotonic_ms) break;
    const std::uint32_t id = ended_due_ms <= live_due_ms ? ended_.front() : deadlines_.top().slot;
    living += arena_[id].flow.ended ? 0u : 1u;
    if (!export_one(id, now, sink)) break;
  }
  return taken;
}

bool Store::Impl::export_one(std::uint32_t id, Now now, const std::function<bool(Export&)>& sink) {
  Slot& slot = arena_[id];
  const bool idle = !slot.flow.ended && idle_at(slot, now.monotonic_ms);
  EndReason living = idle ? EndReason::idle_timeout : EndReason::active_timeout;
  if (suspended_) living = EndReason::forced_end;
  Export record{slot.flow, slot.flow.pending, slot.flow.ended ? slot.end_reason : living};
  if (!sink(record)) return false;
  ++stats_.exported;
  ++slot.flow.exports;
  slot.flow.pending = {};
  if (slot.flow.ended) {
    remove_oldest_ended();
  } else {
    schedule_after_export(id, idle, now);
  }
  return true;
}

void Store::Impl::schedule_after_export(std::uint32_t id, bool idle, Now now) {
  Slot& slot = arena_[id];
  slot.flush = false;
  slot.idle_exported |= idle;
  if (slot.idle_exported || suspended_) {
    deadlines_.erase(id);
    return;
  }
  // Periods nobody asked about (the sink refused, the process was stopped) are skipped, and the flow keeps its phase.
  if (slot.active_due_ms <= now.monotonic_ms) {
    const std::int64_t missed = (now.monotonic_ms - slot.active_due_ms) / timing_.active_ms;
    slot.period_start_ms = slot.active_due_ms + missed * timing_.active_ms;
    slot.active_due_ms = slot.period_start_ms + timing_.active_ms;
  }
  deadlines_.set(id, regular_due_ms(slot));
}

}  // namespace flowstore
