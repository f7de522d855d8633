// What the sources show, put into flows.
#include <algorithm>

#include "flowstore/counting.h"
#include "flowstore/store_impl.h"

namespace flowstore {
namespace {

std::int64_t end_wall_ms(const Observation& last, Now now) {
  return last.stop_wall_ms != 0 ? last.stop_wall_ms : now.wall_ms;
}

// A record that ends before it starts is worth nothing to a collector, and that is what a flow would give that began
// before the wall clock was set back. It ends when it starts then, until the clock has passed its start again.
void seen_until(Flow& flow, std::int64_t wall_ms) {
  flow.last_wall_ms = std::max(flow.start_wall_ms, wall_ms);
}

EntryMarks marks_of(const Observation& seen) {
  return {seen.id, seen.start_wall_ms, seen.start_ns};
}

void take_marks(Slot& slot, const Observation& seen) {
  if (seen.id != 0) slot.flow.id = seen.id;
  if (seen.start_wall_ms == 0) return;
  slot.flow.start_wall_ms = seen.start_wall_ms;
  slot.flow.start_ns = seen.start_ns;
  slot.start_known = true;
}

// A dump's line and a NEW event show the whole entry.
void take_entry(Slot& slot, const Observation& seen, Now now) {
  take_marks(slot, seen);
  Flow& flow = slot.flow;
  flow.status = seen.status;
  flow.timeout_s = seen.timeout_s;
  flow.mark = seen.mark;
  flow.labels = seen.labels;
  if (seen.tcp_state != TcpState::none) flow.tcp_state = seen.tcp_state;
  seen_until(flow, now.wall_ms);
}

// A DESTROY event leaves out most of the entry (labels, mark, timeout): what it does not carry stays as it was.
void take_last_entry(Slot& slot, const Observation& last, Now now) {
  take_marks(slot, last);
  Flow& flow = slot.flow;
  if (last.status != 0) flow.status = last.status;
  if (last.timeout_s != 0) flow.timeout_s = last.timeout_s;
  if (last.mark != 0) flow.mark = last.mark;
  if (last.labels != decltype(last.labels){}) flow.labels = last.labels;
  if (last.tcp_state != TcpState::none) flow.tcp_state = last.tcp_state;
  seen_until(flow, end_wall_ms(last, now));
}

// What was counted before the first observation is ours as well; not once a record has said otherwise.
void count_from_birth(Flow& flow) {
  if (flow.birth_seen || flow.exports > 0) return;
  flow.birth_seen = true;
  flow.pending = flow.total;
}

RecentEnds::End end_of(const Slot& slot, const EntryMarks& marks) {
  return {marks, slot.flow.total, slot.flow.statistics, slot.flow.birth_seen};
}

}  // namespace

ObserveResult Store::Impl::observe(const Observation& seen, std::uint64_t hash, Now now) {
  if (seen.sight == Sight::gone) {
    destroy(seen, hash, now);
    return ObserveResult::ended;
  }
  const std::uint32_t id = find(hash, seen.original, seen.reply);
  const bool lives = id != FlowIndex::none && !arena_[id].flow.ended;
  const bool another = lives && is_new_connection(arena_[id], seen);
  if (!is_expected(id, lives && !another, seen) && is_stale(seen, hash)) return ObserveResult::stale;
  if (!lives) return begin_flow(seen, hash, id, now);

  Slot& slot = arena_[id];
  if (another) {
    if (seen.zone == slot.flow.zone) remember_end(slot, seen.zone, slot.marks(), hash);
    leave_index(id);
    end(id, EndReason::end_of_flow, now);
    begin_flow(seen, hash, FlowIndex::none, now);
    ++stats_.restarted;
    return ObserveResult::restarted;
  }
  if (slot.unseen) seen_again(id, now);
  if (seen.zone == slot.flow.zone) {
    slot.seen_in.see_counting(scans_.mark(seen.zone));
    if (seen.sight == Sight::born) {  // handled after a dump's message that shows the entry as it was later
      count_from_birth(slot.flow);
    } else {
      take_entry(slot, seen, now);
      take_counters(id, seen, now);
    }
    return ObserveResult::updated;
  }
  seen_until(slot.flow, now.wall_ms);
  slot.seen_in.drop_absent(scans_, slot.flow.zone);
  if (!slot.seen_in.see_other(seen.zone, scans_.mark(seen.zone))) ++stats_.zone_memberships_dropped;
  return ObserveResult::other_zone;
}

// Whether an observation that fits the flow's marks needs no look at the connections that ended just now.
bool Store::Impl::is_expected(std::uint32_t id, bool same, const Observation& seen) const {
  if (!same) return false;
  const Slot& slot = arena_[id];
  // Of a flow known by its NEW event alone the id is all there is to compare, and its predecessor had the same, maybe.
  const bool first_start = seen.zone == slot.flow.zone && seen.start_wall_ms != 0 && !slot.start_known;
  return !first_start && slot.seen_in.in(seen.zone, scans_, slot.flow.zone);
}

// An older picture of a connection whose end is known already. A NEW event is none: it precedes its DESTROY event.
bool Store::Impl::is_stale(const Observation& seen, std::uint64_t hash) {
  if (seen.sight == Sight::born) return false;
  if (!recent_ends_.find(seen.zone, hash, marks_of(seen))) return false;
  ++stats_.stale_observations;
  return true;
}

bool Store::Impl::is_new_connection(const Slot& slot, const Observation& seen) const {
  if (seen.zone != slot.flow.zone) {
    // Judged gone from every zone, only not swept yet: an entry in another zone is not what was gone.
    Membership seen_in = slot.seen_in;
    seen_in.drop_absent(scans_, slot.flow.zone);
    return seen_in.empty();
  }
  switch (compare(slot.marks(), marks_of(seen))) {
    case Kinship::same:
      return false;
    case Kinship::different:
      // A NEW event comes after the DESTROY event of the key's last connection, but maybe after a dump has shown the
      // next one already: then it is of one in between, whose DESTROY event will bring all there is to say of it.
      return seen.sight != Sight::born || !slot.seen_in.counting_seen_by_open_scan(scans_, seen.zone);
    case Kinship::unknown:
      break;
  }
  return slot.unseen || reopens(slot.flow.tcp_state, seen.tcp_state) || !slot.seen_in.in(seen.zone, scans_, seen.zone);
}

ObserveResult Store::Impl::begin_flow(const Observation& seen, std::uint64_t hash, std::uint32_t predecessor, Now now) {
  // Taken for gone, though it was not (two scans passed it over): counting goes on where it stopped.
  std::optional<RecentEnds::End> continued;
  if (predecessor != FlowIndex::none) {
    const Slot& ended = arena_[predecessor];
    const bool same = seen.sight == Sight::entry && ended.flow.zone == seen.zone &&
                      compare(ended.marks(), marks_of(seen)) == Kinship::same;
    if (same) continued = end_of(ended, ended.marks());
    leave_index(predecessor);
  }

  const std::uint32_t id = create(seen, hash, true, now);
  if (id == FlowIndex::none) return ObserveResult::refused;
  Slot& slot = arena_[id];
  slot.flow.birth_seen |= seen.sight == Sight::born;
  if (continued) continue_counting(slot.flow, *continued);
  slot.flow.start_wall_ms = now.wall_ms;
  take_entry(slot, seen, now);
  slot.seen_in.see_counting(scans_.mark(seen.zone));
  start_deadlines(id, now);
  take_counters(id, seen, now);
  return ObserveResult::created;
}

void Store::Impl::destroy(const Observation& last, std::uint64_t hash, Now now) {
  const std::uint32_t id = find(hash, last.original, last.reply);
  if (id == FlowIndex::none) return record_whole_flow(last, hash, id, now);

  Slot& slot = arena_[id];
  if (slot.flow.zone == last.zone) {
    const Kinship kinship = compare(slot.marks(), marks_of(last));
    const bool unsure = kinship == Kinship::unknown && (slot.flow.ended || slot.unseen);
    if (kinship == Kinship::different || unsure) return record_whole_flow(last, hash, id, now);
    if (slot.unseen) seen_again(id, now);
    take_last_entry(slot, last, now);
    take_counters(id, last, now);
    slot.seen_in.drop_counting();
  } else if (!slot.flow.ended) {
    seen_until(slot.flow, end_wall_ms(last, now));
    slot.seen_in.drop_other(last.zone);
  }
  remember_end(slot, last.zone, marks_of(last), hash);
  if (slot.flow.ended) return;
  slot.seen_in.drop_absent(scans_, slot.flow.zone);
  if (slot.seen_in.empty()) end(id, EndReason::end_of_flow, now);
}

// A connection that came and went unseen, or whose flow ended when a newer connection showed on its key: then only what
// that flow had not counted is added, and nothing at all is recorded when it had counted everything.
void Store::Impl::record_whole_flow(const Observation& last, std::uint64_t hash, std::uint32_t on_key, Now now) {
  const RecentEnds::End* const found = recent_ends_.find(last.zone, hash, marks_of(last));
  RecentEnds::End known = found ? *found : RecentEnds::End{};
  if (found && (last.statistics == Statistics::none || last.counters == known.total)) {
    known.marks = marks_of(last);  // its start, which a flow known by its NEW event alone had not
    recent_ends_.remember(last.zone, hash, known);
    return;
  }

  const bool newest = on_key == FlowIndex::none || arena_[on_key].flow.ended;
  if (newest && on_key != FlowIndex::none) leave_index(on_key);
  const std::uint32_t id = create(last, hash, newest, now);
  if (id == FlowIndex::none) return;
  Slot& slot = arena_[id];
  if (found) continue_counting(slot.flow, known);
  slot.flow.start_wall_ms = end_wall_ms(last, now);
  take_last_entry(slot, last, now);
  take_counters(id, last, now);
  remember_end(slot, last.zone, marks_of(last), hash);
  end(id, EndReason::end_of_flow, now);
}

void Store::Impl::continue_counting(Flow& flow, const RecentEnds::End& before) {
  flow.birth_seen = before.birth_seen;
  flow.statistics = before.statistics;
  flow.total = before.total;
  if (before.statistics != Statistics::none) --stats_.without_statistics;
}

void Store::Impl::take_counters(std::uint32_t id, const Observation& seen, Now now) {
  if (seen.statistics == Statistics::none) return;
  Flow& flow = arena_[id].flow;
  const bool first_counted = flow.statistics == Statistics::none;
  flow.statistics = seen.statistics;
  flow.relative_error = ErrorPercent::at_least(seen.relative_error_percent);
  if (first_counted) {
    --stats_.without_statistics;
    if (!flow.birth_seen) {
      flow.total = seen.counters;
      return;
    }
  }
  switch (count(flow, seen.counters)) {
    case CountChange::none:
      return;
    case CountChange::grew:
      return counted_at(id, now);
    case CountChange::stepped_back:
      ++stats_.counter_steps_back;
      return;
  }
}

void Store::Impl::remember_end(const Slot& slot, std::uint16_t zone, const EntryMarks& marks, std::uint64_t hash) {
  if (!recent_ends_.remember(zone, hash, end_of(slot, marks))) ++stats_.ends_not_remembered;
}

}  // namespace flowstore
