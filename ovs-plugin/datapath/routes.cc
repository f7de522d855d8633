#include "ovs-plugin/datapath/routes.h"

#include <algorithm>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"

namespace ofe::datapath {
namespace {

constexpr std::size_t max_routes = 1u << 16, max_depth = 16;

// What matters of a flow for the way its packets go.
struct Route {
  std::uint32_t recirc_id = 0;
  PortNumber in_port = 0;
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

struct Known {
  Route route;
  std::uint32_t dump = 0;  // the last one that had a flow of it; 0: a free place
  ZoneSet zones = 0;
};

}  // namespace

struct Routes::Impl {
  absl::flat_hash_map<std::string, PortNumber> ports;
  absl::flat_hash_map<Route, RouteNumber> numbers;
  std::vector<Known> known;
  std::vector<RouteNumber> free;
  absl::flat_hash_map<std::uint32_t, std::vector<RouteNumber>> stages;  // by recirc_id
  absl::flat_hash_map<std::vector<std::uint16_t>, ZoneSet> set_numbers;
  std::vector<std::vector<std::uint16_t>> sets;
  Route reading;  // its memory is used again for every flow
  std::uint32_t dump = 0;
  bool changed = false;  // since ways were last searched for to the end
  bool dropped = false;  // what this dump had no flow of
  std::size_t next = 0;  // route whose way is searched for next
  std::uint64_t searches = 0;

  void read(const Megaflow& flow);
  void drop_unseen();
  std::vector<std::uint16_t> zones_from(const Route& entry, std::size_t& looked_at) const;
  ZoneSet number_of(const std::vector<std::uint16_t>& zones);
};

void Routes::Impl::read(const Megaflow& flow) {
  reading.recirc_id = flow.recirc_id;
  reading.in_port = 0;
  if (!flow.in_port.empty()) {
    auto port = ports.find(absl::string_view(flow.in_port.data(), flow.in_port.size()));
    if (port == ports.end() && ports.size() < max_routes) {
      port = ports.emplace(std::string(flow.in_port), static_cast<PortNumber>(ports.size() + 1)).first;
    }
    if (port != ports.end()) reading.in_port = port->second;
  }
  reading.eth_type = flow.eth_type;
  reading.protocol = flow.protocol.value;
  reading.protocol_mask = flow.protocol.mask;
  reading.zones.clear();
  for (const CtAction& action : flow.ct) reading.zones.push_back(action.zone);
  reading.recircs.assign(flow.recircs.begin(), flow.recircs.end());
}

void Routes::Impl::drop_unseen() {
  for (RouteNumber number = 0; number < known.size(); ++number) {
    Known& one = known[number];
    if (one.dump == dump || one.dump == 0) continue;
    std::vector<RouteNumber>& stage = stages[one.route.recirc_id];
    std::erase(stage, number);
    if (stage.empty()) stages.erase(one.route.recirc_id);
    numbers.erase(one.route);
    one.dump = 0;
    free.push_back(number);
    changed = true;
  }
}

// Breadth first, so that each route is looked at once, on the shortest way to it: cycles end by themselves.
std::vector<std::uint16_t> Routes::Impl::zones_from(const Route& entry, std::size_t& looked_at) const {
  std::vector<std::uint16_t> zones;
  std::vector<const Route*> stage{&entry}, next_stage;
  absl::flat_hash_set<std::uint32_t> followed;  // recirc_ids
  for (std::size_t depth = 0; depth <= max_depth && !stage.empty(); ++depth, stage.swap(next_stage)) {
    next_stage.clear();
    for (const Route* route : stage) {
      ++looked_at;
      zones.insert(zones.end(), route->zones.begin(), route->zones.end());
      for (const std::uint32_t recirc_id : route->recircs) {
        const auto later = stages.find(recirc_id);
        if (later == stages.end() || !followed.insert(recirc_id).second) continue;
        looked_at += later->second.size();
        for (const RouteNumber number : later->second) {
          if (entry.compatible(known[number].route)) next_stage.push_back(&known[number].route);
        }
      }
    }
  }
  std::ranges::sort(zones);
  zones.erase(std::unique(zones.begin(), zones.end()), zones.end());
  return zones;
}

ZoneSet Routes::Impl::number_of(const std::vector<std::uint16_t>& zones) {
  const auto [found, fresh] = set_numbers.try_emplace(zones, static_cast<ZoneSet>(sets.size()));
  if (fresh) sets.push_back(zones);
  return found->second;
}

Routes::Routes() : impl_(std::make_unique<Impl>()) {
  impl_->number_of({});
}
Routes::~Routes() = default;

void Routes::begin_dump() {
  ++impl_->dump;
  impl_->dropped = false;
  impl_->next = 0;
}

std::optional<RouteNumber> Routes::add(const Megaflow& flow) {
  Impl& in = *impl_;
  in.read(flow);
  if (const auto known = in.numbers.find(in.reading); known != in.numbers.end()) {
    in.known[known->second].dump = in.dump;
    return known->second;
  }
  if (in.numbers.size() == max_routes) return std::nullopt;
  RouteNumber number = static_cast<RouteNumber>(in.known.size());
  if (in.free.empty()) {
    in.known.emplace_back();
  } else {
    number = in.free.back();
    in.free.pop_back();
  }
  in.known[number].route = in.reading;
  in.known[number].dump = in.dump;
  in.known[number].zones = 0;
  in.stages[in.reading.recirc_id].push_back(number);
  in.numbers.emplace(in.reading, number);
  in.changed = true;
  return number;
}

bool Routes::settle(std::size_t budget) {
  Impl& in = *impl_;
  if (!in.dropped) in.drop_unseen();
  in.dropped = true;
  if (!in.changed) return false;
  if (in.next == 0) ++in.searches;
  for (std::size_t looked_at = 0; in.next < in.known.size(); ++in.next) {
    if (looked_at >= budget) return true;
    ++looked_at;
    Known& one = in.known[in.next];
    if (one.dump != 0 && one.route.recirc_id == 0) one.zones = in.number_of(in.zones_from(one.route, looked_at));
  }
  in.changed = false;
  in.next = 0;
  return false;
}

ZoneSet Routes::zones_of(RouteNumber route) const {
  return impl_->known[route].zones;
}
std::span<const std::uint16_t> Routes::zones(ZoneSet set) const {
  return impl_->sets[set];
}
std::size_t Routes::zone_sets() const {
  return impl_->sets.size();
}
PortNumber Routes::in_port_of(RouteNumber route) const {
  return impl_->known[route].route.in_port;
}
PortNumber Routes::port_number(std::string_view name) const {
  const auto found = impl_->ports.find(absl::string_view(name.data(), name.size()));
  return found == impl_->ports.end() ? 0 : found->second;
}
std::size_t Routes::ports() const {
  return impl_->ports.size();
}
std::size_t Routes::size() const {
  return impl_->numbers.size();
}
std::uint64_t Routes::searches() const {
  return impl_->searches;
}

}  // namespace ofe::datapath
