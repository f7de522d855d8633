#include "store_model.h"

#include <algorithm>
#include <sstream>
#include <tuple>

namespace flowstore {
namespace {

std::array<std::uint64_t, 4> fields(const Counters& c) {
  return {c.packets, c.octets, c.reverse_packets, c.reverse_octets};
}

}  // namespace

void add(Counters& sum, const Counters& part) {
  sum.packets += part.packets;
  sum.octets += part.octets;
  sum.reverse_packets += part.reverse_packets;
  sum.reverse_octets += part.reverse_octets;
}

std::string describe(const Flow& flow) {
  std::ostringstream out;
  const auto counters = [&](const Counters& c) {
    for (const std::uint64_t field : fields(c)) out << ' ' << field;
  };
  out << to_string(flow.original.source) << ':' << flow.original.source_port << ">" << flow.reply.destination_port
      << " zone " << flow.zone << " id " << flow.id << " status " << flow.status << " timeout " << flow.timeout_s
      << " mark " << flow.mark << " label " << int{flow.labels[15]} << " tcp " << static_cast<int>(flow.tcp_state)
      << " statistics " << static_cast<int>(flow.statistics) << " birth " << flow.birth_seen << " ended " << flow.ended
      << " start " << flow.start_wall_ms << " last " << flow.last_wall_ms << " first " << flow.first_monotonic_ms
      << " exports " << flow.exports << " names " << flow.names << " total";
  counters(flow.total);
  out << " pending";
  counters(flow.pending);
  return out.str();
}

StoreModel::EntryKey StoreModel::entry_key(const Observation& seen) {
  return {seen.original.source, seen.original.source_port, seen.reply.destination_port, seen.id};
}

ModelFlow* StoreModel::latest(const Tuple& original, const Tuple& reply) {
  for (ModelFlow& flow : flows_) {
    if (flow.on_key && flow.shows.original == original && flow.shows.reply == reply) return &flow;
  }
  return nullptr;
}

bool StoreModel::is_other(const ModelFlow& flow, const Observation& seen) const {
  if (flow.shows.id != 0 && seen.id != 0 && flow.shows.id != seen.id) return true;
  return flow.start_known && seen.start_wall_ms != 0 && flow.shows.start_wall_ms != seen.start_wall_ms;
}

bool StoreModel::is_same(const ModelFlow& flow, const Observation& seen) const {
  if (is_other(flow, seen)) return false;
  return (flow.shows.id != 0 && seen.id != 0) || (flow.start_known && seen.start_wall_ms != 0);
}

bool StoreModel::is_in(const ModelFlow& flow, std::uint16_t zone) const {
  const auto found = flow.zones.find(zone);
  return found != flow.zones.end() && !found->second.lost();
}

bool StoreModel::is_gone(const ModelFlow& flow) const {
  return std::all_of(flow.zones.begin(), flow.zones.end(), [](const auto& in) { return in.second.lost(); });
}

StoreModel::Zone& StoreModel::zone(std::uint16_t number) {
  const auto [found, added] = zones_.try_emplace(number);
  if (added) found->second.births_from = births_from_;
  return found->second;
}

bool StoreModel::birth_seen(const Observation& seen, Now now) {
  moments_.push_back(now);
  const Zone& of = zone(seen.zone);
  if (seen.sight == Sight::born) return true;
  if (seen.start_wall_ms == 0) return ++births_by_.scan, of.had_complete_scan;
  if (seen.start_wall_ms > now.wall_ms + 1'000) return ++births_by_.future, of.had_complete_scan;
  if (seen.start_wall_ms >= of.births_from) return ++births_by_.start, true;
  for (std::size_t i = of.watched_from + 1; i < moments_.size(); ++i) {
    const Now before = moments_[i - 1], after = moments_[i];
    const std::int64_t begin = after.wall_ms - (after.monotonic_ms - before.monotonic_ms);
    if (begin >= before.wall_ms || seen.start_wall_ms < begin) continue;
    return ++births_by_.clock_set_back, of.had_complete_scan;  // the clock was set back to where it may have begun
  }
  return ++births_by_.start, false;
}

void StoreModel::seen_until(ModelFlow& flow, std::int64_t wall_ms) {
  flow.shows.last_wall_ms = wall_ms < flow.shows.start_wall_ms ? flow.shows.start_wall_ms : wall_ms;
}

StoreModel::KnownEnd* StoreModel::known_end(const Observation& seen) {
  Zone& of = zone(seen.zone);
  if (!of.scanning || seen.id == 0) return nullptr;
  for (KnownEnd& end : of.ends_during_scan[entry_key(seen)]) {
    if (end.start == 0 || seen.start_wall_ms == 0 || end.start == seen.start_wall_ms) return &end;
  }
  return nullptr;
}

void StoreModel::remember_end(const ModelFlow& flow, const Observation& of) {
  if (KnownEnd* const known = known_end(of)) {
    *known = {of.start_wall_ms, flow.shows};
  } else if (zone(of.zone).scanning && of.id != 0) {
    zone(of.zone).ends_during_scan[entry_key(of)].push_back({of.start_wall_ms, flow.shows});
  }
}

void StoreModel::begin_scan(std::uint16_t number, Now now) {
  moments_.push_back(now);
  zone(number).scanning = true;
  zone(number).ends_during_scan.clear();
  for (ModelFlow& flow : flows_) {
    if (flow.zones.contains(number)) flow.zones[number].in_question = true;
  }
}

void StoreModel::end_scan(std::uint16_t number, bool complete) {
  const bool counts = zone(number).scanning && complete;
  zone(number).scanning = false;
  if (counts) zone(number).had_complete_scan = true;
  for (ModelFlow& flow : flows_) {
    if (!flow.zones.contains(number)) continue;
    if (counts && flow.zones[number].in_question) ++flow.zones[number].missed;
    flow.zones[number].in_question = false;
  }
}

std::vector<ModelFlow*> StoreModel::to_be_swept() {
  std::vector<ModelFlow*> found;
  for (ModelFlow& flow : flows_) {
    if (!flow.shows.ended && is_gone(flow)) found.push_back(&flow);
  }
  return found;
}

void StoreModel::end(ModelFlow& flow, EndReason reason, Now now) {
  if (goes_without_record(flow)) {
    ++stats_.resumed_gone;
    flows_.remove_if([&](const ModelFlow& of) { return &of == &flow; });
    return;
  }
  flow.unseen = false;
  flow.shows.ended = true;
  flow.zones.clear();
  flow.end_reason = reason;
  flow.ended_at = now.monotonic_ms;
  flow.end_order = ++ends_;
  ++stats_.ended;
}

void StoreModel::end_by_sweep(ModelFlow& flow, Now now) {
  const auto forgotten =
      std::count_if(flow.zones.begin(), flow.zones.end(), [](auto& in) { return in.second.forgotten; });
  const bool all = forgotten == static_cast<std::ptrdiff_t>(flow.zones.size());
  flow.either_reason = forgotten != 0 && !all;
  end(flow, forgotten == 0 ? EndReason::end_of_flow : EndReason::forced_end, now);
}

void StoreModel::forget_zone(std::uint16_t number, Now now) {
  for (ModelFlow& flow : flows_) {
    if (flow.zones.contains(number)) flow.zones[number].forgotten = true;
  }
  moments_.push_back(now);
  zone(number) = {};
  zone(number).births_from = now.wall_ms + 1;
  zone(number).watched_from = moments_.size() - 1;
}

ObserveResult StoreModel::observe(const Observation& seen, Now now, const std::vector<Flow>& given_up) {
  ModelFlow* flow = latest(seen.original, seen.reply);
  const bool lives = flow && !flow->shows.ended;
  const bool counting_zone = lives && flow->shows.zone == seen.zone;
  const bool reopened = lives && flow->shows.tcp_state >= TcpState::established &&
                        (seen.tcp_state == TcpState::syn_sent || seen.tcp_state == TcpState::syn_received);
  bool another = lives && is_gone(*flow);
  if (counting_zone) {
    const bool doubtful = flow->unseen || reopened || !is_in(*flow, seen.zone);
    another = is_other(*flow, seen) || (!is_same(*flow, seen) && doubtful);
  }
  const bool born = seen.sight == Sight::born;
  if (counting_zone && born && is_other(*flow, seen) && zone(seen.zone).scanning && flow->zones.contains(seen.zone)) {
    another = flow->zones[seen.zone].in_question;  // a dump has shown a later connection than this one
  }
  const bool first_start = counting_zone && seen.start_wall_ms != 0 && !flow->start_known;

  if (!lives || another || first_start || !is_in(*flow, seen.zone)) {
    if (!born && known_end(seen)) {
      ++stats_.stale_observations;
      return ObserveResult::stale;
    }
  }
  if (!lives) {
    const bool goes_on = flow && !born && flow->shows.zone == seen.zone && is_same(*flow, seen);
    const Flow before = flow ? flow->shows : Flow{};
    return begin_flow(seen, now, goes_on ? &before : nullptr, given_up);
  }
  if (another) {
    Observation old;
    old.original = seen.original;
    old.reply = seen.reply;
    old.zone = seen.zone;
    old.id = flow->shows.id;
    old.start_wall_ms = flow->start_known ? flow->shows.start_wall_ms : 0;
    if (counting_zone) remember_end(*flow, old);
    end(*flow, EndReason::end_of_flow, now);
    begin_flow(seen, now, nullptr, given_up);
    ++stats_.restarted;
    return ObserveResult::restarted;
  }

  if (flow->unseen) seen_again(*flow, now);
  if (counting_zone && born) {
    flow->zones[seen.zone] = {};
    if (!flow->shows.birth_seen && flow->shows.exports == 0) {
      flow->shows.birth_seen = true;
      flow->observed = flow->shows.pending = flow->shows.total;
    }
    return ObserveResult::updated;
  }
  if (counting_zone) {
    copy_entry(*flow, seen, true);
    seen_until(*flow, now.wall_ms);
    flow->zones[seen.zone] = {};
    count(*flow, seen, now);
    return ObserveResult::updated;
  }
  seen_until(*flow, now.wall_ms);
  const auto others = std::count_if(flow->zones.begin(), flow->zones.end(), [&](const auto& in) {
    return in.first != flow->shows.zone && in.first != seen.zone && !in.second.lost();
  });
  if (others < 2) {
    flow->zones[seen.zone] = {};
  } else {
    ++stats_.zone_memberships_dropped;
  }
  return ObserveResult::other_zone;
}

void StoreModel::destroy(const Observation& last, Now now, const std::vector<Flow>& given_up) {
  ModelFlow* const flow = latest(last.original, last.reply);
  if (!flow) return record_whole_flow(last, now, given_up);
  if (flow->shows.zone == last.zone) {
    if (is_other(*flow, last) || ((flow->shows.ended || flow->unseen) && !is_same(*flow, last))) {
      return record_whole_flow(last, now, given_up);
    }
    if (flow->unseen) seen_again(*flow, now);
    copy_entry(*flow, last, false);
    seen_until(*flow, last.stop_wall_ms ? last.stop_wall_ms : now.wall_ms);
    count(*flow, last, now);
  } else if (!flow->shows.ended) {
    seen_until(*flow, last.stop_wall_ms ? last.stop_wall_ms : now.wall_ms);
  }
  remember_end(*flow, last);
  flow->zones.erase(last.zone);
  if (!flow->shows.ended && is_gone(*flow)) end(*flow, EndReason::end_of_flow, now);
}

void StoreModel::record_whole_flow(const Observation& last, Now now, const std::vector<Flow>& given_up) {
  std::optional<Flow> before;
  KnownEnd* const known = known_end(last);
  if (known) before = known->flow;
  if (known && (last.statistics == Statistics::none || last.counters == before->total)) {
    known->start = last.start_wall_ms;
    return;
  }
  ModelFlow* const flow = make_flow(last, now, given_up);
  if (!flow) return;
  if (before) {
    flow->shows.birth_seen = before->birth_seen;
    flow->shows.statistics = before->statistics;
    flow->shows.total = before->total;
  }
  const std::int64_t stop = last.stop_wall_ms ? last.stop_wall_ms : now.wall_ms;
  flow->shows.first_monotonic_ms = now.monotonic_ms;
  flow->shows.start_wall_ms = stop;
  copy_entry(*flow, last, false);
  seen_until(*flow, stop);
  count(*flow, last, now);
  remember_end(*flow, last);
  end(*flow, EndReason::end_of_flow, now);
}

ModelFlow* StoreModel::make_flow(const Observation& seen, Now now, const std::vector<Flow>& given_up) {
  const std::size_t excess = flows_.size() + 1 > limits_.max_flows ? flows_.size() + 1 - limits_.max_flows : 0;
  std::int64_t first_end = never;
  for (const ModelFlow& flow : flows_) {
    if (flow.shows.ended) first_end = std::min(first_end, flow.ended_at);
  }
  if (excess != 0 && first_end == never) {
    ++stats_.refused_full;
    return nullptr;
  }
  if (given_up.size() != excess) complaint_ = "gave up " + std::to_string(given_up.size()) + " flows";
  for (const Flow& flow : given_up) {
    ModelFlow* const gone = find_like(flow);
    if (!gone || !gone->shows.ended || gone->ended_at != first_end) {
      complaint_ = "gave up " + describe(flow);
      continue;
    }
    flows_.remove_if([&](const ModelFlow& of) { return &of == gone; });
    ++stats_.evicted_ended;
  }
  ModelFlow* const on_key = latest(seen.original, seen.reply);
  ModelFlow& flow = flows_.emplace_back();
  if (on_key) (on_key->shows.ended ? on_key->on_key : flow.on_key) = false;
  flow.shows.original = seen.original;
  flow.shows.reply = seen.reply;
  flow.shows.zone = seen.zone;
  flow.shows.birth_seen = birth_seen(seen, now);
  ++stats_.created;
  return &flow;
}

ObserveResult StoreModel::begin_flow(const Observation& seen, Now now, const Flow* goes_on_from,
                                     const std::vector<Flow>& given_up) {
  ModelFlow* const flow = make_flow(seen, now, given_up);
  if (!flow) return ObserveResult::refused;
  if (goes_on_from) {
    flow->shows.birth_seen = goes_on_from->birth_seen;
    flow->shows.statistics = goes_on_from->statistics;
    flow->shows.total = goes_on_from->total;
  }
  flow->shows.first_monotonic_ms = now.monotonic_ms;
  flow->shows.start_wall_ms = now.wall_ms;
  copy_entry(*flow, seen, true);
  seen_until(*flow, now.wall_ms);
  flow->zones[seen.zone] = {};
  start_deadlines(*flow, now);
  count(*flow, seen, now);
  return ObserveResult::created;
}

void StoreModel::copy_entry(ModelFlow& flow, const Observation& seen, bool whole_entry) {
  Flow& shows = flow.shows;
  if (seen.id) shows.id = seen.id;
  if (seen.start_wall_ms) {
    shows.start_wall_ms = seen.start_wall_ms;
    flow.start_known = true;
  }
  if (seen.tcp_state != TcpState::none) shows.tcp_state = seen.tcp_state;
  if (whole_entry || seen.status) shows.status = seen.status;
  if (whole_entry || seen.timeout_s) shows.timeout_s = seen.timeout_s;
  if (whole_entry || seen.mark) shows.mark = seen.mark;
  if (whole_entry || seen.labels[15]) shows.labels = seen.labels;
}

void StoreModel::count(ModelFlow& flow, const Observation& seen, Now now) {
  if (seen.statistics == Statistics::none) return;
  const bool baseline_only = flow.shows.statistics == Statistics::none && !flow.shows.birth_seen;
  const auto before = fields(flow.shows.total), after = fields(seen.counters);
  flow.shows.statistics = seen.statistics;
  flow.shows.total = seen.counters;
  if (baseline_only || after == before) return;
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (after[i] < before[i]) {
      ++stats_.counter_steps_back;
      return;
    }
  }
  const Counters growth{after[0] - before[0], after[1] - before[1], after[2] - before[2], after[3] - before[3]};
  add(flow.shows.pending, growth);
  add(flow.observed, growth);
  flow.last_growth = now.monotonic_ms;
  if (flow.idle_exported) start_deadlines(flow, now);
}

// --- deadlines ---

}  // namespace flowstore
