#include "ovs-plugin/denied/table.h"

#include <algorithm>
#include <utility>

#include "ovs-plugin/denied/trace.h"

namespace ofe::denied {
namespace {

// The wall-clock time of the megaflow's last packet; of one that counted none (its only packet was the upcall's), now.
std::int64_t last_packet_wall_ms(const datapath::Megaflow& flow, flowstore::Now now) {
  return now.wall_ms - std::max<std::int64_t>(flow.used_ms_ago, 0);
}

// What the same packets are once their rule is known: the times are kept, nothing is counted or exported yet.
Drop uncounted(const Drop& from, const Verdict& verdict) {
  Drop drop;
  drop.key = from.key;
  drop.verdict = verdict;
  drop.asked = true;
  drop.first_wall_ms = from.first_wall_ms;
  drop.last_wall_ms = from.last_wall_ms;
  drop.first_monotonic_ms = from.first_monotonic_ms;
  drop.grown_monotonic_ms = from.grown_monotonic_ms;
  drop.exported_monotonic_ms = from.exported_monotonic_ms;
  return drop;
}

}  // namespace

void Table::add(const datapath::Megaflow& flow, flowstore::Now now) {
  if (!flow.drop) return;
  if (!flow.has_ufid) {
    ++stats_.without_ufid;
    return;
  }
  DropKey key = drop_key(flow);
  const auto known = megaflows_.find(flow.ufid);
  if (known != megaflows_.end()) {
    Followed& followed = known->second;
    followed.dump = dump_;
    const bool back = flow.packets < followed.packets || flow.octets_l2 < followed.octets;
    if (followed.drop == nowhere) {
      if (index_.size() >= limits_.max_drops) return;
    } else if (!back && drops_[followed.drop]->key == key) {
      return grow(followed, flow, now);
    } else {
      ++stats_.counter_restarts;
    }
    leave(followed);
    followed = {};
    begin(followed, flow, std::move(key), now);
  } else if (megaflows_.size() >= limits_.max_megaflows) {
    ++stats_.refused_megaflows;
  } else {
    ++stats_.drop_megaflows;
    begin(megaflows_[flow.ufid], flow, std::move(key), now);
  }
}

void Table::begin(Followed& followed, const datapath::Megaflow& flow, DropKey key, flowstore::Now now) {
  Drop like;
  like.key = std::move(key);
  like.first_wall_ms = like.last_wall_ms = last_packet_wall_ms(flow, now);
  like.first_monotonic_ms = like.grown_monotonic_ms = like.exported_monotonic_ms = now.monotonic_ms;
  followed.dump = dump_;
  followed.flow = flow_to_trace(flow.keys);
  followed.drop = drop_of({like.key, {}}, like);
  if (followed.drop != nowhere) {
    Drop& drop = *drops_[followed.drop];
    ++drop.megaflows;
    drop.grown_monotonic_ms = now.monotonic_ms;
    ask(flow.ufid, followed);
  }
  // Of a first dump nobody knows since when it counts.
  if (dumps_ended_ == 0) {
    followed.packets = flow.packets;
    followed.octets = flow.octets_l2;
  } else {
    grow(followed, flow, now);
  }
}

void Table::grow(Followed& followed, const datapath::Megaflow& flow, flowstore::Now now) {
  datapath::Megaflow growth;
  growth.packets = flow.packets - followed.packets;
  growth.octets_l2 = flow.octets_l2 - followed.octets;
  growth.vlan = flow.vlan;
  followed.packets = flow.packets;
  followed.octets = flow.octets_l2;
  if (growth.packets == 0 || followed.drop == nowhere) return;
  Drop& drop = *drops_[followed.drop];
  drop.grown_monotonic_ms = now.monotonic_ms;
  drop.last_wall_ms = std::max(drop.last_wall_ms, last_packet_wall_ms(flow, now));
  if (!drop.exact) {
    const Counted more{growth.packets, datapath::octets_l3(growth)};
    drop.packets += more.packets;
    drop.octets += more.octets;
    followed.counted.packets += more.packets;
    followed.counted.octets += more.octets;
  }
  if (followed.answered && now.monotonic_ms - followed.asked_ms >= limits_.ask_again_ms) ask(flow.ufid, followed);
}

void Table::ask(const datapath::Ufid& ufid, Followed& followed) {
  if (followed.waiting) return;
  followed.waiting = true;
  waiting_.push_back(ufid);
}

void Table::end_dump() {
  absl::erase_if(megaflows_, [this](auto& entry) {
    Followed& followed = entry.second;
    // A dump can miss a megaflow that is moved meanwhile; taken for new again, all its packets would count twice.
    const bool unasked = followed.waiting && !followed.answered;
    if (dump_ - followed.dump < (unasked ? limits_.unasked_dumps : 2)) return false;
    if (unasked) ++stats_.gone_unasked;
    leave(followed);
    return true;
  });
  ++dumps_ended_;
}

void Table::forget_megaflows() {
  for (auto& [ufid, followed] : megaflows_) leave(followed);
  megaflows_.clear();
}

// The drop keeps what was counted.
void Table::leave(Followed& followed) {
  if (followed.drop == nowhere) return;
  Drop& drop = *drops_[followed.drop];
  --drop.megaflows;
  if (drop.megaflows == 0) drop.asked = true;  // nobody is left to ask for
  followed.drop = nowhere;
}

std::optional<Table::Question> Table::next_question() {
  while (!waiting_.empty()) {
    const datapath::Ufid ufid = waiting_.front();
    waiting_.pop_front();
    const auto found = megaflows_.find(ufid);
    if (found != megaflows_.end() && found->second.waiting) return Question{ufid, found->second.flow};
  }
  return std::nullopt;
}

void Table::describe(const datapath::Ufid& ufid, const std::string& flow) {
  const auto found = megaflows_.find(ufid);
  if (found == megaflows_.end()) return;
  found->second.flow = flow;
  waiting_.push_front(ufid);
}

void Table::answer(const datapath::Ufid& ufid, const Verdict& verdict, flowstore::Now now) {
  const auto found = megaflows_.find(ufid);
  if (found == megaflows_.end()) return;
  Followed& followed = found->second;
  const bool first = !followed.answered;
  followed.waiting = false;
  followed.answered = true;
  followed.asked_ms = now.monotonic_ms;
  if (followed.drop == nowhere) return;
  if (verdict.kind == DropKind::unclassified) {
    drops_[followed.drop]->asked = true;
    return;
  }
  const Drop& from = *drops_[followed.drop];
  if (from.verdict == verdict) return;
  Drop like = uncounted(from, verdict);
  if (!first) {  // what was counted until now the former rule dropped
    followed.counted = {};
    like.first_wall_ms = like.last_wall_ms;
    like.first_monotonic_ms = like.exported_monotonic_ms = now.monotonic_ms;
  }
  const std::uint32_t to = drop_of({like.key, verdict}, like);
  if (to == nowhere) return;
  move_to(followed, to);
}

void Table::move_to(Followed& followed, std::uint32_t to) {
  const std::uint32_t left = followed.drop;
  Drop& from = *drops_[left];
  Drop& drop = *drops_[to];
  followed.drop = to;
  ++drop.megaflows;
  --from.megaflows;
  drop.first_wall_ms = std::min(drop.first_wall_ms, from.first_wall_ms);
  drop.last_wall_ms = std::max(drop.last_wall_ms, from.last_wall_ms);
  drop.grown_monotonic_ms = std::max(drop.grown_monotonic_ms, from.grown_monotonic_ms);
  if (!drop.exact) {
    drop.packets += followed.counted.packets;
    drop.octets += followed.counted.octets;
  }
  from.packets -= std::min(from.packets, followed.counted.packets);
  from.octets -= std::min(from.octets, followed.counted.octets);
  const bool nothing_left = from.megaflows == 0 && from.packets == 0 && from.exports == 0 && from.names == 0;
  if (nothing_left && from.verdict.kind == DropKind::unclassified) erase(left);
}

std::uint32_t Table::drop_of(const Identity& identity, const Drop& like) {
  if (const auto known = index_.find(identity); known != index_.end()) return known->second;
  if (index_.size() >= limits_.max_drops) {
    ++stats_.refused_drops;
    return nowhere;
  }
  std::uint32_t place = static_cast<std::uint32_t>(drops_.size());
  if (free_.empty()) {
    drops_.emplace_back(like);
  } else {
    place = free_.back();
    free_.pop_back();
    drops_[place] = like;
  }
  index_.emplace(identity, place);
  return place;
}

void Table::erase(std::uint32_t place) {
  index_.erase({drops_[place]->key, drops_[place]->verdict});
  drops_[place].reset();
  free_.push_back(place);
}

void Table::take_netflow(const std::function<std::optional<Counted>(const flowstore::Tuple&)>& count_of,
                         flowstore::Now now) {
  for (std::optional<Drop>& place : drops_) {
    if (!place || place->verdict.kind == DropKind::unclassified || !is_exact(place->key)) continue;
    const auto counted = count_of(pinned_values(place->key));
    if (!counted || counted->packets == 0) continue;
    Drop& drop = *place;
    ++stats_.netflow_tuples;
    drop.grown_monotonic_ms = now.monotonic_ms;
    if (drop.exact) {
      drop.packets += counted->packets;
      drop.octets += counted->octets;
    } else {
      // It has counted since the tuple's first packet, unless it was switched on later.
      drop.exact = counted->packets >= drop.packets;
      drop.packets = std::max(drop.packets, counted->packets);
      drop.octets = std::max(drop.octets, counted->octets);
    }
  }
}

bool Table::visit_some(std::size_t budget, const std::function<bool(Drop&)>& leaves) {
  for (; budget > 0 && next_visit_ < drops_.size(); --budget, ++next_visit_) {
    std::optional<Drop>& place = drops_[next_visit_];
    if (place && leaves(*place) && place->megaflows == 0) erase(static_cast<std::uint32_t>(next_visit_));
  }
  if (next_visit_ < drops_.size()) return true;
  next_visit_ = 0;
  return false;
}

void Table::each(const std::function<void(const Drop&)>& visit) const {
  for (const std::optional<Drop>& place : drops_) {
    if (place) visit(*place);
  }
}

std::size_t Table::each_from(std::size_t first, std::size_t places,
                             const std::function<void(const Drop&)>& visit) const {
  std::size_t place = first;
  for (; places > 0 && place < drops_.size(); --places, ++place) {
    if (drops_[place]) visit(*drops_[place]);
  }
  return place < drops_.size() ? place : 0;
}

void Table::clear(const std::function<void(Drop&)>& leaving) {
  for (std::optional<Drop>& place : drops_) {
    if (place) leaving(*place);
  }
  megaflows_.clear();
  index_.clear();
  drops_.clear();
  free_.clear();
  waiting_.clear();
  next_visit_ = 0;
  dumps_ended_ = 0;
}

}  // namespace ofe::denied
