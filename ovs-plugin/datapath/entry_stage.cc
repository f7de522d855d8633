#include "ovs-plugin/datapath/entry_stage.h"

#include <algorithm>
#include <deque>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"

namespace ofe::datapath {
namespace {

constexpr std::size_t max_pinned = 1u << 20, max_routes = 1u << 16, max_depth = 16;

// What matters of a flow for the way its packets go. Thousands of flows of a stage have the same route (they differ in
// addresses and ports), so a way is searched for once per route, not per flow.
struct Route {
  std::uint32_t recirc_id = 0;
  std::uint32_t in_port = 0;   // number of the name, by order of appearance; 0: not printed
  std::uint16_t eth_type = 0;  // 0: not matched
  std::uint8_t protocol = 0, protocol_mask = 0;
  absl::InlinedVector<std::uint16_t, 2> zones;
  absl::InlinedVector<std::uint32_t, 2> recircs;

  friend bool operator==(const Route&, const Route&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const Route& r) {
    return H::combine(std::move(h), r.recirc_id, r.in_port, r.eth_type, r.protocol, r.protocol_mask, r.zones,
                      r.recircs);
  }

  // Whether a packet may match both: this one at the entry, the other after recirculation.
  bool compatible(const Route& later) const {
    if (in_port != 0 && later.in_port != 0 && in_port != later.in_port) return false;
    if (eth_type != 0 && later.eth_type != 0 && eth_type != later.eth_type) return false;
    return ((protocol ^ later.protocol) & protocol_mask & later.protocol_mask) == 0;
  }
};

struct Pinned {
  PinnedCounters counters;
  std::uint32_t route = 0;
};

struct Reach {
  bool watched = false, tracked = false;
};

}  // namespace

struct EntryStage::Impl {
  EntryStageStats stats;
  Megaflow flow;  // its memory is used again for every line
  std::string error;
  absl::flat_hash_map<std::string, std::uint32_t> ports;
  absl::flat_hash_map<Route, std::uint32_t> route_numbers;
  std::vector<Route> routes;
  std::vector<std::uint64_t> entry_flows;                                 // by route; 0 in later stages
  absl::flat_hash_map<std::uint32_t, std::vector<std::uint32_t>> stages;  // routes by recirc_id
  std::deque<Pinned> pinned;                                              // up to a million: grows without copying
  // Where each_pinned() goes on: first every route's way, then what is pinned.
  std::size_t next_route = 0, next_pinned = 0;
  std::vector<bool> leads_there;  // by route

  void add(const Megaflow& seen);
  bool route_number(const Megaflow& seen, std::uint32_t& number);
  Reach search(std::uint32_t entry, const std::function<bool(std::uint16_t)>& watched, std::size_t& looked_at) const;
  void search_routes(const std::function<bool(std::uint16_t)>& watched, std::size_t budget, std::size_t& looked_at);
};

bool EntryStage::Impl::route_number(const Megaflow& seen, std::uint32_t& number) {
  Route route;
  route.recirc_id = seen.recirc_id;
  if (!seen.in_port.empty() && ports.size() < max_routes) {
    route.in_port =
        ports.try_emplace(std::string(seen.in_port), static_cast<std::uint32_t>(ports.size() + 1)).first->second;
  }
  route.eth_type = seen.eth_type;
  route.protocol = seen.protocol.value;
  route.protocol_mask = seen.protocol.mask;
  for (const CtAction& action : seen.ct) route.zones.push_back(action.zone);
  route.recircs.assign(seen.recircs.begin(), seen.recircs.end());
  if (const auto known = route_numbers.find(route); known != route_numbers.end()) {
    number = known->second;
    return true;
  }
  if (routes.size() == max_routes) return false;
  number = static_cast<std::uint32_t>(routes.size());
  stages[route.recirc_id].push_back(number);
  routes.push_back(route);
  entry_flows.push_back(0);
  route_numbers.emplace(std::move(route), number);
  return true;
}

void EntryStage::Impl::add(const Megaflow& seen) {
  std::uint32_t route = 0;
  const bool entry = seen.recirc_id == 0;
  if (entry) ++stats.entry_flows;
  if (!route_number(seen, route)) {
    ++stats.left_out;
    return;
  }
  if (!entry) return;
  ++entry_flows[route];
  Pinned found;
  if (!pinned_tuple(seen, found.counters.tuple)) return;
  ++stats.entry_pinned;
  if (pinned.size() == max_pinned) {
    ++stats.left_out;
    return;
  }
  found.counters.ufid = seen.ufid;
  found.counters.packets = seen.packets;
  found.counters.octets = octets_l3(seen);
  found.route = route;
  pinned.push_back(found);
}

// Breadth first, so that each route is looked at once, on the shortest way to it: cycles end by themselves.
Reach EntryStage::Impl::search(std::uint32_t entry, const std::function<bool(std::uint16_t)>& watched,
                               std::size_t& looked_at) const {
  Reach reach;
  std::vector<std::uint32_t> stage{entry}, next;
  absl::flat_hash_set<std::uint32_t> followed;  // recirc_ids
  for (std::size_t depth = 0; depth <= max_depth && !stage.empty(); ++depth, stage.swap(next)) {
    next.clear();
    for (const std::uint32_t number : stage) {
      ++looked_at;
      reach.tracked |= !routes[number].zones.empty();
      reach.watched |= std::ranges::any_of(routes[number].zones, watched);
      if (reach.watched) return reach;
      for (const std::uint32_t recirc_id : routes[number].recircs) {
        const auto later = stages.find(recirc_id);
        if (later == stages.end() || !followed.insert(recirc_id).second) continue;
        looked_at += later->second.size();
        std::ranges::copy_if(later->second, std::back_inserter(next),
                             [&](std::uint32_t candidate) { return routes[entry].compatible(routes[candidate]); });
      }
    }
  }
  return reach;
}

EntryStage::EntryStage() : impl_(std::make_unique<Impl>()) {}
EntryStage::~EntryStage() = default;

void EntryStage::begin() {
  Impl& in = *impl_;
  in.ports.clear();
  in.route_numbers.clear();
  in.routes.clear();
  in.entry_flows.clear();
  in.stages.clear();
  in.pinned.clear();
  in.next_route = in.next_pinned = 0;
  in.stats.entry_flows = in.stats.entry_pinned = in.stats.entry_untracked = in.stats.left_out = 0;
}

const Megaflow* EntryStage::add_line(std::string_view line) {
  constexpr std::size_t max_kept = 200;
  if (!is_flow_line(line)) return nullptr;
  Impl& in = *impl_;
  ++in.stats.lines;
  if (parse_megaflow(line, in.flow, in.error)) {
    in.add(in.flow);
    return &in.flow;
  }
  ++in.stats.unreadable;
  in.stats.last_unreadable = std::string(line.substr(0, max_kept)) + ": " + in.error;
  return nullptr;
}

void EntryStage::Impl::search_routes(const std::function<bool(std::uint16_t)>& watched, std::size_t budget,
                                     std::size_t& looked_at) {
  for (; next_route < routes.size() && looked_at < budget; ++next_route, ++looked_at) {
    leads_there.push_back(false);
    if (entry_flows[next_route] == 0) continue;
    const Reach reach = search(static_cast<std::uint32_t>(next_route), watched, looked_at);
    leads_there.back() = reach.watched;
    if (!reach.tracked) stats.entry_untracked += entry_flows[next_route];
  }
}

bool EntryStage::each_pinned(const std::function<bool(std::uint16_t zone)>& watched,
                             const std::function<void(const PinnedCounters&)>& visit, std::size_t budget) {
  Impl& in = *impl_;
  if (in.next_route == 0) {
    in.stats.entry_untracked = 0;
    in.leads_there.clear();
  }
  std::size_t looked_at = 0;
  in.search_routes(watched, budget, looked_at);
  for (; in.next_pinned < in.pinned.size() && looked_at < budget; ++in.next_pinned, ++looked_at) {
    const Pinned& found = in.pinned[in.next_pinned];
    if (in.leads_there[found.route]) visit(found.counters);
  }
  if (in.next_route < in.routes.size() || in.next_pinned < in.pinned.size()) return true;
  in.next_route = in.next_pinned = 0;
  return false;
}

const EntryStageStats& EntryStage::stats() const {
  return impl_->stats;
}

}  // namespace ofe::datapath
