#include "ovs-plugin/correlate/megaflow_join.h"

#include <netinet/in.h>

#include <algorithm>

#include "flowstore/address.h"

namespace ofe::correlate {
namespace {

constexpr std::size_t max_megaflows = 1u << 20;
constexpr std::size_t max_memberships = 1u << 24;
// A port that a Pod has and no megaflow names: nothing but what names no port matches.
constexpr PortClass unseen_port = UINT32_MAX;
constexpr std::uint8_t has_ipv4 = 1, has_ipv6 = 2;
constexpr std::uint32_t rounds_until_port_is_looked_up_again = 16;

}  // namespace

bool netflow_covers(const flowstore::Tuple& tuple) {
  return flowstore::is_ipv4(tuple.source) && (tuple.protocol == IPPROTO_TCP || tuple.protocol == IPPROTO_UDP);
}

bool netflow_covers(const datapath::TupleMatch& match) {
  return match.family == 4 && match.mask.protocol == 0xff && netflow_covers(match.value);
}

void MegaflowJoin::begin_dump(flowstore::Now now) {
  ++dump_;
  dump_ms_ = now.monotonic_ms;
  routes_.begin_dump();
  stats_.entry_flows = stats_.untracked = 0;
  place_ = Place::dividing;
  next_slice_ = 0;
}

void MegaflowJoin::add(const datapath::Megaflow& flow, std::uint64_t thread) {
  const auto route = routes_.add(flow);
  const bool at_entry = flow.recirc_id == 0;
  if (at_entry) ++stats_.entry_flows;
  datapath::TupleMatch match;
  if (!route) ++stats_.left_out;
  if (!at_entry || !route || !tuple_match(flow, match)) return;
  const Key key{flow.ufid, thread};
  Entry* entry = flow.has_ufid ? entries_.find(key) : nullptr;
  const bool fresh = entry == nullptr;
  if (fresh) {
    if (!flow.has_ufid || entries_.size() >= max_megaflows) {
      ++stats_.left_out;
      return;
    }
    entry = &entries_[key];
    entry->match = match;
  }
  const Amount now_counted{flow.packets, octets_l3(flow)};
  // The same ufid can come back after expiry with counters from zero, and in theory for another match.
  const bool another = entry->match != match;
  const bool back = entry->missed && may_have_idled_out(*entry, flow);
  const bool begun_anew =
      another || back || now_counted.packets < entry->seen.packets || now_counted.octets < entry->seen.octets;
  if (fresh) {
    entry->lossy = settled_before_ && dump_ms_ - settled_dump_ms_ >= max_idle_ms;
  } else if (!begun_anew) {
    if (entry->dump != dump_) note_growth(*entry, flow);  // not where the dump has it twice
  } else {
    if (!entry->missed && !entry->seen.empty()) ++stats_.counter_restarts;
    entry->lossy |= may_end_unseen(*entry);
    entry->seen = {};
  }
  if (another) {
    hand_on_loss(*entry, {}, {dump_ms_, 0});
    leave_bucket(*entry);
    entry->match = match;
    entry->grown = {};  // empty already, unless a dump broke off
  }
  entry->pinned = pins(match);
  if (entry->pinned && flow.fragment == datapath::first_fragment) note_first_fragment(*entry);
  // What a shared megaflow had counted when we began is nobody's: the connections of then may be gone.
  if (!fresh || entry->pinned || settled_before_) entry->grown += now_counted - entry->seen;
  entry->seen = now_counted;
  entry->route = *route;
  entry->dump = dump_;
  entry->missed = false;
  entry->used_ms = static_cast<std::int32_t>(std::min<std::int64_t>(flow.used_ms_ago, INT32_MAX));
}

bool MegaflowJoin::settle(const JoinContext& context, flowstore::Now now, std::size_t budget) {
  switch (place_) {
    case Place::dividing:
      if (!divide(now, budget)) place_ = Place::routes;
      return true;
    case Place::routes:
      if (routes_.settle(budget)) return true;
      begin_taking(context);
      place_ = Place::taking;
      return true;
    case Place::taking:
      if (entries_.update_some(next_slice_, budget, [&](Entry& entry) { return take(entry, context, now); })) {
        return true;
      }
      place_ = Place::hidden;
      return true;
    default:
      if (empty_hidden(budget)) return true;
      settled_before_ = true;
      settled_earlier_ms_ = settled_dump_ms_;
      settled_dump_ms_ = dump_ms_;
      ++round_;
      return false;
  }
}

void MegaflowJoin::begin_taking(const JoinContext& context) {
  set_leads_.assign(routes_.zone_sets(), false);
  for (datapath::ZoneSet set = 0; set < set_leads_.size(); ++set) {
    set_leads_[set] = std::ranges::any_of(routes_.zones(set), [&](std::uint16_t zone) {
      return std::ranges::find(context.watched_zones, zone) != context.watched_zones.end();
    });
  }
  pod_families_.assign(routes_.ports() + 1, 0);
  if (pod_ports_.each) {
    pod_ports_.each([this](std::string_view name, std::uint8_t family) {
      pod_families_[routes_.port_number(name)] |= family == 4 ? has_ipv4 : has_ipv6;
    });
  }
  next_slice_ = 0;
  pinned_ = shared_ = 0;
}

// True when neither this dump nor the one before had it: it is forgotten, what it counted stays.
bool MegaflowJoin::take(Entry& entry, const JoinContext& context, flowstore::Now now) {
  const bool shown = entry.dump == dump_;
  if (shown) place(entry);
  if (!entry.grown.empty() || (entry.pinned && shown)) count(entry, context, now);
  entry.lossy |= !shown && may_end_unseen(entry);
  hand_on_loss(entry, context, now);
  const bool gone = !shown && entry.missed;
  entry.missed = !shown;
  if (gone) leave_bucket(entry);
  return gone;
}

// Anew only where its way, or what is known of its port, has changed.
void MegaflowJoin::place(Entry& entry) {
  const datapath::ZoneSet zones = routes_.zones_of(entry.route);
  if (routes_.zones(zones).empty()) ++stats_.untracked;
  entry.leads = set_leads_[zones];
  if (entry.leads) ++(entry.pinned ? pinned_ : shared_);
  const PortClass port = port_class_of(entry);
  const bool wanted = entry.leads && !entry.pinned;
  if (wanted == (entry.bucket != no_bucket) && (!wanted || (entry.zones == zones && entry.port == port))) return;
  leave_bucket(entry);
  entry.zones = zones;
  entry.port = port;
  if (!wanted) return;
  if (const auto bucket = space_.bucket_of(entry.match, zones, port)) {
    entry.bucket = *bucket;
    ++space_[*bucket].megaflows;
  } else {
    ++stats_.left_out;
  }
}

void MegaflowJoin::count(Entry& entry, const JoinContext& context, flowstore::Now now) {
  const Amount grown = entry.grown;
  entry.grown = {};
  if (!entry.leads || (context.netflow_active && netflow_covers(entry.match))) return;
  if (entry.pinned) {
    const DirectionId id = directions_.make(entry.match.value, now);
    if (id == no_direction) return;
    directions_[id].counted = true;
    directions_[id].total += grown;
    return;
  }
  if (entry.bucket == no_bucket) {
    stats_.unmatched += grown;
    return;
  }
  owe(entry.bucket, now);
  space_[entry.bucket].pending += grown;
}

void MegaflowJoin::leave_bucket(Entry& entry) {
  if (entry.bucket == no_bucket) return;
  Bucket& bucket = space_[entry.bucket];
  if (--bucket.megaflows == 0 && !bucket.waiting && entry.bucket != division_.bucket) {
    space_.hide(entry.bucket);
    hidden_.push_back(entry.bucket);
  }
  entry.bucket = no_bucket;
}

// Takes the members of what is hidden out of it.
bool MegaflowJoin::empty_hidden(std::size_t budget) {
  for (; !hidden_.empty(); hidden_.pop_back()) {
    BucketMembers& members = space_[hidden_.back()].members;
    while (!members.empty()) {
      if (budget-- == 0) return true;
      auto& memberships = directions_[members.back()].memberships;
      const auto found = std::ranges::find(memberships, hidden_.back(), &Membership::bucket);
      leave(members.back(), static_cast<std::size_t>(found - memberships.begin()));
    }
    space_.erase(hidden_.back());
  }
  return false;
}

void MegaflowJoin::claim(DirectionId id, std::uint16_t zone, bool active, const JoinContext& context) {
  Direction& direction = directions_[id];
  bool anew = !direction.connection;
  direction.connection = true;
  direction.claimed_round = round_;
  if (active) direction.active_round = round_;
  const auto known = std::span(direction.zones).first(direction.zone_count);
  if (std::ranges::find(known, zone) == known.end() && direction.zone_count < direction.zones.size()) {
    direction.zones[direction.zone_count++] = zone;
    anew = true;
  }
  const bool netflow = context.netflow_active && netflow_covers(direction.tuple);
  anew |= netflow != direction.netflow;
  direction.netflow = netflow;
  if (anew || direction.port == unseen_port || (round_ + id) % rounds_until_port_is_looked_up_again == 0) {
    const PortClass port = port_class_of(direction.tuple.source);
    anew |= port != direction.port;
    direction.port = port;
  }
  if (anew) leave_all(id);
  if (direction.matched_epoch == space_.epoch()) return;
  const auto leads = [&](datapath::ZoneSet set) {
    if (netflow || set == every_zone) return set == every_zone;
    return std::ranges::any_of(routes_.zones(set), [&](std::uint16_t one) {
      return std::find(direction.zones.begin(), direction.zones.begin() + direction.zone_count, one) !=
             direction.zones.begin() + direction.zone_count;
    });
  };
  space_.each_match(direction.tuple, direction.port, direction.matched_epoch, leads,
                    [&](BucketId bucket) { join(id, bucket); });
  direction.matched_epoch = space_.epoch();
}

// A flow of either family belongs to a Pod's port only where addresses of both are known.
PortClass MegaflowJoin::port_class_of(const Entry& entry) const {
  const datapath::PortNumber number = routes_.in_port_of(entry.route);
  if (number == 0) return any_port;
  const std::uint8_t family = entry.match.family;
  const int needed = family == 4 ? has_ipv4 : family == 6 ? has_ipv6 : has_ipv4 | has_ipv6;
  return (pod_families_[number] & needed) == needed ? number - 1 + first_pod_port : other_port;
}

PortClass MegaflowJoin::port_class_of(const flowstore::Address& source) const {
  const std::string_view name = pod_ports_.of ? pod_ports_.of(source) : std::string_view{};
  if (name.empty()) return other_port;
  const datapath::PortNumber number = routes_.port_number(name);
  return number == 0 ? unseen_port : number - 1 + first_pod_port;
}

void MegaflowJoin::join(DirectionId id, BucketId bucket) {
  Direction& direction = directions_[id];
  if (memberships_ >= max_memberships) {
    ++stats_.memberships_refused;
    direction.estimated = direction.lossy = true;
    return;
  }
  BucketMembers& members = space_[bucket].members;
  direction.memberships.push_back({bucket, static_cast<std::uint32_t>(members.size())});
  members.push_back(id);
  ++memberships_;
}

void MegaflowJoin::leave(DirectionId id, std::size_t membership) {
  auto& memberships = directions_[id].memberships;
  const Membership left = memberships[membership];
  memberships[membership] = memberships.back();
  memberships.pop_back();
  BucketMembers& members = space_[left.bucket].members;
  const DirectionId moved = members.back();
  members[left.place] = moved;
  members.pop_back();
  if (moved != id) {
    auto& of_moved = directions_[moved].memberships;
    std::ranges::find(of_moved, left.bucket, &Membership::bucket)->place = left.place;
  }
  --memberships_;
}

void MegaflowJoin::leave_all(DirectionId id) {
  Direction& direction = directions_[id];
  while (!direction.memberships.empty()) leave(id, direction.memberships.size() - 1);
  direction.matched_epoch = 0;
}

MegaflowJoinStats MegaflowJoin::stats() const {
  MegaflowJoinStats now = stats_;
  now.megaflows = entries_.size();
  now.pinned = pinned_;
  now.shared = shared_;
  now.buckets = space_.size();
  now.masks = space_.groups();
  now.routes = routes_.size();
  now.memberships = memberships_;
  return now;
}

}  // namespace ofe::correlate
