#include "ovs-plugin/correlate/tuple_space.h"

#include <memory>

namespace ofe::correlate {
namespace {

constexpr std::size_t max_groups = 4'096;

template <class Place>
std::uint32_t take_place(Place& places, std::vector<std::uint32_t>& free) {
  if (free.empty()) {
    places.emplace_back();
    return static_cast<std::uint32_t>(places.size() - 1);
  }
  const std::uint32_t number = free.back();
  free.pop_back();
  return number;
}

}  // namespace

std::optional<std::uint32_t> TupleSpace::group_of(const GroupKey& key) {
  if (const auto known = group_numbers_.find(key); known != group_numbers_.end()) return known->second;
  if (group_numbers_.size() >= max_groups) return std::nullopt;
  const std::uint32_t number = take_place(groups_, free_groups_);
  groups_[number] = {};
  groups_[number].key = key;
  group_numbers_.emplace(key, number);
  return number;
}

std::optional<BucketId> TupleSpace::bucket_of(const datapath::TupleMatch& match, datapath::ZoneSet zones,
                                              PortClass port) {
  const auto group = group_of({match.mask, match.family, zones});
  if (!group) return std::nullopt;
  const BucketKey key{*group, match.value, port};
  if (const BucketId* known = index_.find(key)) return *known;
  const BucketId id = take_place(buckets_, free_buckets_);
  Bucket& fresh = buckets_[id];
  fresh.match = match;
  fresh.zones = zones;
  fresh.port = port;
  fresh.group = *group;
  fresh.epoch = ++epoch_;
  index_[key] = id;
  ++groups_[*group].buckets;
  if (port == any_port) ++groups_[*group].of_any_port;
  groups_[*group].newest = fresh.epoch;
  return id;
}

void TupleSpace::hide(BucketId id) {
  const Bucket& bucket = buckets_[id];
  Group& group = groups_[bucket.group];
  index_.erase({bucket.group, bucket.match.value, bucket.port});
  if (bucket.port == any_port) --group.of_any_port;
  if (--group.buckets != 0) return;
  group_numbers_.erase(group.key);
  free_groups_.push_back(bucket.group);
}

void TupleSpace::erase(BucketId id) {
  std::destroy_at(&buckets_[id]);
  std::construct_at(&buckets_[id]);
  free_buckets_.push_back(id);
}

}  // namespace ofe::correlate
