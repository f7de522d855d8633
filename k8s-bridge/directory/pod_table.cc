#include "k8s-bridge/directory/pod_table.h"

#include <algorithm>
#include <utility>

namespace ofe::k8s {

namespace {

std::string identity(const Pod& pod) {
  return pod.uid.empty() ? pod.pod_namespace + '/' + pod.name : pod.uid;
}

// None when it is on the host's network or has ended, whatever it lists.
const std::vector<Address>& held_by(const Pod& pod) {
  static const std::vector<Address> nothing;
  return pod.host_network || pod.ended ? nothing : pod.addresses;
}

// The addresses of a that are not in b; Pods have one or two.
std::vector<Address> difference(const std::vector<Address>& a, const std::vector<Address>& b) {
  std::vector<Address> result;
  for (const Address& address : a) {
    if (std::find(b.begin(), b.end(), address) == b.end()) result.push_back(address);
  }
  return result;
}

}  // namespace

bool PodTable::put(DecodedPod decoded, std::uint64_t generation, bool from_list, std::int64_t wall_ms) {
  const std::string id = identity(decoded.pod);
  const ObjectNameView name{decoded.pod.pod_namespace, decoded.pod.name};
  auto found = living_.find(id);
  const bool first_sight = found == living_.end();
  if (!first_sight && ObjectNameView{found->second.pod->pod_namespace, found->second.pod->name} != name) {
    // A uid never changes its name in Kubernetes; a bridge that says so must not leave a stale name behind.
    id_by_name_.erase(ObjectNameView{found->second.pod->pod_namespace, found->second.pod->name});
  }
  const auto named = id_by_name_.find(name);
  if (named != id_by_name_.end() && named->second != id) {
    // Another Pod of the same name: two cannot exist at once, so the earlier one is gone.
    remove(living_.find(named->second), wall_ms);
    found = living_.find(id);
  }
  if (first_sight) {
    if (living_.size() >= limits_.max_objects) return false;
    found = living_.emplace(id, Living{std::make_unique<Pod>()}).first;
  }
  id_by_name_.insert_or_assign(ObjectName(name.first, name.second), id);
  found->second.generation = generation;
  update(found->second, std::move(decoded), first_sight, from_list, wall_ms);
  return true;
}

void PodTable::update(Living& living, DecodedPod decoded, bool first_sight, bool from_list, std::int64_t wall_ms) {
  Pod& pod = *living.pod;
  const std::vector<Address> gained = difference(held_by(decoded.pod), held_by(pod));
  std::vector<Address> lost = difference(held_by(pod), held_by(decoded.pod));
  living.deleted_wall_ms = decoded.deleted_wall_ms;
  if (!lost.empty()) {
    auto former = std::make_unique<Pod>(pod);
    former->addresses = std::move(lost);
    keep_former(&pod, std::move(former), wall_ms, wall_ms);
  }
  pod = std::move(decoded.pod);
  Claim claim;
  claim.pod = &pod;
  claim.since_wall_ms = first_sight || from_list ? 0 : wall_ms;
  for (const Address& address : gained) {
    claims_[address].push_back(claim);
    index(address);
  }
  follow_start(pod);
}

// A Pod's start is its creation until the kubelet reports another.
void PodTable::follow_start(const Pod& pod) {
  for (const Address& address : held_by(pod)) {
    for (Claim& claim : claims_[address]) {
      if (claim.pod == &pod) claim.from_wall_ms = std::max(pod.start_wall_ms, claim.since_wall_ms);
    }
  }
}

bool PodTable::remove(const std::string& uid, const ObjectNameView& name, std::int64_t wall_ms) {
  const std::string* id = &uid;
  if (uid.empty()) {
    const auto named = id_by_name_.find(name);
    if (named == id_by_name_.end()) return false;
    id = &named->second;
  }
  const auto found = living_.find(*id);
  if (found == living_.end()) return false;
  remove(found, wall_ms);
  return true;
}

void PodTable::remove(ById::iterator found, std::int64_t wall_ms) {
  retire(found->second, wall_ms);
  living_.erase(found);
}

std::size_t PodTable::remove_others(std::uint64_t generation, std::int64_t wall_ms) {
  const std::size_t before = living_.size();
  for (auto item = living_.begin(); item != living_.end();) {
    const auto current = item++;
    if (current->second.generation != generation) remove(current, wall_ms);
  }
  return before - living_.size();
}

// Takes the Pod out of everything but living_ itself.
void PodTable::retire(Living& living, std::int64_t wall_ms) {
  id_by_name_.erase(ObjectNameView{living.pod->pod_namespace, living.pod->name});
  if (held_by(*living.pod).empty()) return;
  // The object may outlive its containers (a finalizer, or news held up by an outage), not by its own doing: by the
  // deletion timestamp, the end of the grace period, the address is free.
  const bool gone_before = living.deleted_wall_ms > 0 && living.deleted_wall_ms < wall_ms;
  const Pod* holder = living.pod.get();
  keep_former(holder, std::move(living.pod), gone_before ? living.deleted_wall_ms : wall_ms, wall_ms);
}

// Ends holder's claims on the former Pod's addresses, and hands them to that.
void PodTable::keep_former(const Pod* holder, std::unique_ptr<Pod> former, std::int64_t until_ms,
                           std::int64_t wall_ms) {
  former->removed_wall_ms = until_ms;
  for (const Address& address : former->addresses) {
    for (Claim& claim : claims_[address]) {
      if (claim.pod == holder && claim.until_wall_ms == still_held) {
        claim.pod = former.get();
        claim.until_wall_ms = until_ms;
        claim.known_until_wall_ms = wall_ms;
      }
    }
    index(address);
  }
  former_.push_back({std::move(former), wall_ms});
  while (former_.size() > limits_.max_removed_pods) {
    drop_oldest_former();
    ++former_dropped_;
  }
}

void PodTable::drop_oldest_former() {
  const Pod* pod = former_.front().pod.get();
  for (const Address& address : pod->addresses) {
    const auto entry = claims_.find(address);
    if (entry == claims_.end()) continue;
    auto& claims = entry->second;
    claims.erase(std::remove_if(claims.begin(), claims.end(), [&](const Claim& claim) { return claim.pod == pod; }),
                 claims.end());
    if (claims.empty()) claims_.erase(entry);
    index(address);
  }
  former_.pop_front();
}

void PodTable::expire(std::int64_t wall_ms) {
  while (!former_.empty() && former_.front().known_until_wall_ms <= wall_ms - limits_.keep_removed_pods_ms) {
    drop_oldest_former();
  }
}

void PodTable::index(const Address& address) {
  const auto entry = claims_.find(address);
  if (entry != claims_.end() && entry->second.size() == 1 && entry->second[0].until_wall_ms == still_held) {
    sole_[address] = entry->second[0].pod;
  } else {
    sole_.erase(address);
  }
}

const Pod* PodTable::find(const Address& address, std::int64_t at_wall_ms) const {
  if (const auto sole = sole_.find(address); sole != sole_.end()) return sole->second;
  const auto entry = claims_.find(address);
  if (entry == claims_.end()) return nullptr;
  const Claim* holding = nullptr;  // held it then; of several the one that got it last
  const Claim* next = nullptr;     // nobody did: the first to get it afterwards
  const Claim* listed = nullptr;   // nor that: given up by then, but still listed as a Pod
  for (const Claim& claim : entry->second) {
    if (at_wall_ms < claim.from_wall_ms) {
      if (next == nullptr || claim.from_wall_ms <= next->from_wall_ms) next = &claim;
    } else if (at_wall_ms < claim.until_wall_ms) {
      if (holding == nullptr || claim.from_wall_ms >= holding->from_wall_ms) holding = &claim;
    } else if (at_wall_ms < claim.known_until_wall_ms) {
      if (listed == nullptr || claim.until_wall_ms >= listed->until_wall_ms) listed = &claim;
    }
  }
  const Claim* best = holding != nullptr ? holding : next != nullptr ? next : listed;
  return best == nullptr ? nullptr : best->pod;
}

void PodTable::each(const std::function<bool(const Pod&)>& visit) const {
  for (const auto& [id, living] : living_) {
    if (!visit(*living.pod)) return;
  }
}

}  // namespace ofe::k8s
