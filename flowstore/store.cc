#include "flowstore/store.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "absl/hash/hash.h"
#include "flowstore/store_impl.h"

namespace flowstore {
namespace {

// Ends are remembered only while a scan runs; this many are 100,000 connections a second during a scan of five seconds.
constexpr std::size_t max_recent_ends = 524'288;

}  // namespace

std::uint64_t hash_key(const Tuple& original, const Tuple& reply) {
  return absl::HashOf(original, reply);
}

Store::Impl::Impl(Limits limits, ExportTiming timing, Now started)
    : limits_(limits), timing_(timing), scans_(started), recent_ends_(max_recent_ends) {
  timing_.active_ms = std::max<std::int64_t>(timing.active_ms, 1);
}

std::uint32_t Store::Impl::find(std::uint64_t hash, const Tuple& original, const Tuple& reply) const {
  return index_.find(hash, [&](std::uint32_t slot) {
    const Flow& flow = arena_[slot].flow;
    return flow.original == original && flow.reply == reply;
  });
}

std::uint32_t Store::Impl::create(const Observation& seen, std::uint64_t hash, bool indexed, Now now) {
  if (stats_.flows >= limits_.max_flows) {
    if (ended_.empty()) {
      ++stats_.refused_full;
      return FlowIndex::none;
    }
    ++stats_.evicted_ended;
    remove_oldest_ended();
  }

  const std::uint32_t id = arena_.take();
  Slot& slot = arena_[id];
  slot.flow.original = seen.original;
  slot.flow.reply = seen.reply;
  slot.flow.zone = seen.zone;
  slot.flow.first_monotonic_ms = now.monotonic_ms;
  slot.flow.birth_seen = scans_.birth_seen(seen.zone, seen.start_wall_ms, now);
  slot.indexed = indexed;
  slot.task_parity = task_parity_;
  if (indexed) index_.insert(hash, id);
  ++stats_.flows;
  ++stats_.without_statistics;
  ++stats_.created;
  return id;
}

void Store::Impl::end(std::uint32_t id, EndReason reason, Now now) {
  Slot& slot = arena_[id];
  assert(!slot.flow.ended);
  if (slot.unseen) {
    slot.unseen = false;
    --stats_.resumed_unseen;
    if (slot.end_told && slot.flow.pending == Counters{}) {
      ++stats_.resumed_gone;
      return remove(id);
    }
  }
  slot.flow.ended = true;
  slot.end_reason = reason;
  slot.active_due_ms = now.monotonic_ms;
  slot.seen_in.clear();
  deadlines_.erase(id);
  ended_.push_back(id);
  ++stats_.ended;
  ++stats_.ended_waiting;
}

void Store::Impl::remove_oldest_ended() {
  const std::uint32_t id = ended_.front();
  ended_.pop_front();
  --stats_.ended_waiting;
  remove(id);
}

// Of a flow that is neither in ended_ nor due.
void Store::Impl::remove(std::uint32_t id) {
  if (on_removed_) on_removed_(arena_[id].flow);
  leave_index(id);
  --stats_.flows;
  if (arena_[id].flow.statistics == Statistics::none) --stats_.without_statistics;
  arena_.give_back(id);
}

void Store::Impl::leave_index(std::uint32_t id) {
  Slot& slot = arena_[id];
  if (!slot.indexed) return;
  index_.erase(hash_key(slot.flow.original, slot.flow.reply), id);
  slot.indexed = false;
}

Store::Store(Limits limits, ExportTiming timing, Now started)
    : impl_(std::make_unique<Impl>(limits, timing, started)) {}
Store::~Store() = default;

void Store::set_timing(ExportTiming timing, Now now) {
  impl_->set_timing(timing, now);
}

void Store::begin_scan(std::uint16_t zone, Now now) {
  impl_->scans_.begin(zone, now);
  impl_->recent_ends_.begin_scan(zone);
}

ObserveResult Store::observe(const Observation& seen, Now now) {
  return impl_->observe(seen, hash_key(seen.original, seen.reply), now);
}

void Store::observe_batch(std::span<const Observation> seen, Now now, std::span<ObserveResult> results) {
  assert(results.size() >= seen.size());
  // Two rounds of prefetch ahead of the work: first where the index will look, then the flow it will find there.
  constexpr std::size_t group = 16;
  std::array<std::uint64_t, group> hashes;
  for (std::size_t first = 0; first < seen.size(); first += group) {
    const std::size_t count = std::min(group, seen.size() - first);
    for (std::size_t i = 0; i < count; ++i) {
      hashes[i] = hash_key(seen[first + i].original, seen[first + i].reply);
      impl_->index_.prefetch(hashes[i]);
    }
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint32_t slot = impl_->index_.guess(hashes[i]);
      if (slot == FlowIndex::none) continue;
      const char* const octets = reinterpret_cast<const char*>(&impl_->arena_[slot]);
      for (std::size_t line = 0; line < sizeof(Slot); line += 64) __builtin_prefetch(octets + line, 1);
    }
    for (std::size_t i = 0; i < count; ++i) results[first + i] = impl_->observe(seen[first + i], hashes[i], now);
  }
}

void Store::end_scan(std::uint16_t zone, bool complete, Now) {
  impl_->end_scan(zone, complete);
}
bool Store::sweep(std::size_t max_flows, Now now) {
  return impl_->sweep(max_flows, now);
}
bool Store::sweep_wanted() const {
  return impl_->sweep_wanted_;
}
void Store::forget_zone(std::uint16_t zone, Now now) {
  impl_->forget_zone(zone, now);
}

std::optional<std::int64_t> Store::next_deadline_ms() const {
  return impl_->next_deadline_ms();
}
std::size_t Store::export_due(Now now, std::size_t max, const std::function<bool(Export&)>& sink,
                              std::size_t max_living) {
  return impl_->export_due(now, max, sink, max_living);
}
void Store::make_all_due(Now now) {
  impl_->begin_task(Impl::Task::make_due, now);
}

const Flow* Store::find(const Tuple& original, const Tuple& reply) const {
  const std::uint32_t id = impl_->find(hash_key(original, reply), original, reply);
  return id == FlowIndex::none ? nullptr : &impl_->arena_[id].flow;
}

void Store::set_names(const Tuple& original, const Tuple& reply, NameHandle names) {
  const std::uint32_t id = impl_->find(hash_key(original, reply), original, reply);
  if (id != FlowIndex::none) impl_->arena_[id].flow.names = names;
}

void Store::for_each(const std::function<bool(const Flow&)>& visit) const {
  for (std::uint32_t id = 0; id < impl_->arena_.slots(); ++id) {
    const Slot& slot = impl_->arena_[id];
    if (slot.in_use && !visit(slot.flow)) return;
  }
}

std::optional<std::uint32_t> Store::for_each_from(std::uint32_t from, std::uint32_t max_places,
                                                  const std::function<void(const Flow&)>& visit) const {
  const std::uint32_t places = impl_->arena_.slots();
  const std::uint32_t end = from + std::min(max_places, places - std::min(from, places));
  for (std::uint32_t id = from; id < end; ++id) {
    const Slot& slot = impl_->arena_[id];
    if (slot.in_use) visit(slot.flow);
  }
  return end < places ? std::optional(end) : std::nullopt;
}

void Store::on_removed(std::function<void(const Flow&)> callback) {
  impl_->on_removed_ = std::move(callback);
}

const Stats& Store::stats() const {
  return impl_->stats_;
}

}  // namespace flowstore
