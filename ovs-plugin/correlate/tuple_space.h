// Finds the megaflows that can carry a connection's packets (tuple-space search): megaflows are grouped by what they
// compare, so that one look into a hash table per group answers for all of its megaflows, however many they are.
//
// A bucket stands for the megaflows that nothing known of a connection tells apart: same match on the tuple, same zones
// ahead, same input port as far as it is known. What they count is divided among the bucket's members together.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "ovs-plugin/correlate/directions.h"
#include "ovs-plugin/datapath/routes.h"
#include "ovs-plugin/datapath/tuple_match.h"

namespace ofe::correlate {

using BucketId = std::uint32_t;
inline constexpr BucketId no_bucket = UINT32_MAX;

// By which port packets came in.
using PortClass = std::uint32_t;
inline constexpr PortClass any_port = 0;        // of a megaflow that does not say
inline constexpr PortClass other_port = 1;      // not a Pod's: tunnel, uplink, gateway, or nothing is known of it
inline constexpr PortClass first_pod_port = 2;  // + datapath::PortNumber - 1

// Of buckets that any zone's connections are members of.
inline constexpr datapath::ZoneSet every_zone = UINT32_MAX;

using BucketMembers = absl::InlinedVector<DirectionId, 4>;

struct Bucket {
  datapath::TupleMatch match;
  datapath::ZoneSet zones = 0;
  PortClass port = any_port;
  std::uint32_t group = 0;
  std::uint32_t megaflows = 0;
  std::uint64_t epoch = 0;  // buckets are numbered as they are made, and never numbered again
  Amount pending;           // counted, not yet divided
  Amount may_miss;          // at most this is missing in it
  bool lossy = false;       // and more, nobody knows how much
  std::int64_t pending_since_ms = 0;
  bool waiting = false;    // it is in the list of those with something pending
  std::uint64_t turn = 0;  // see Shares
  BucketMembers members;

  bool owes() const { return lossy || !pending.empty() || !may_miss.empty(); }
};

class TupleSpace {
 public:
  // Found, or made; nullopt: there are 4,096 groups already.
  std::optional<BucketId> bucket_of(const datapath::TupleMatch& match, datapath::ZoneSet zones, PortClass port);
  Bucket& operator[](BucketId id) { return buckets_[id]; }
  const Bucket& operator[](BucketId id) const { return buckets_[id]; }
  // No longer found; its members stay until it is erased.
  void hide(BucketId id);
  void erase(BucketId id);

  // Of the last bucket made.
  std::uint64_t epoch() const { return epoch_; }
  std::size_t groups() const { return group_numbers_.size(); }
  std::size_t size() const { return index_.size(); }

  // Visits the buckets made after `since` that match the tuple of a packet that came in by this port, in no particular
  // order; `leads` says of a set of zones whether the connection is tracked in one of them.
  template <class Leads, class Visit>
  void each_match(const flowstore::Tuple& tuple, PortClass port, std::uint64_t since, Leads&& leads, Visit&& visit) {
    const std::uint8_t family = datapath::family_of(tuple);
    for (std::uint32_t number = 0; number < groups_.size(); ++number) {
      const Group& group = groups_[number];
      if (group.newest <= since || group.buckets == 0) continue;
      if (group.key.family != 0 && group.key.family != family) continue;
      if (!leads(group.key.zones)) continue;
      BucketKey key{number, datapath::masked(tuple, group.key.mask), port};
      visit_if_newer(key, since, visit);
      key.port = any_port;
      if (group.of_any_port != 0) visit_if_newer(key, since, visit);
    }
  }

 private:
  struct GroupKey {
    flowstore::Tuple mask;
    std::uint8_t family = 0;
    datapath::ZoneSet zones = 0;
    friend bool operator==(const GroupKey&, const GroupKey&) = default;
    template <typename H>
    friend H AbslHashValue(H h, const GroupKey& k) {
      return H::combine(std::move(h), k.mask, k.family, k.zones);
    }
  };
  struct Group {
    GroupKey key;
    std::size_t buckets = 0, of_any_port = 0;
    std::uint64_t newest = 0;  // epoch of its newest bucket
  };
  struct BucketKey {
    std::uint32_t group = 0;
    flowstore::Tuple value;
    PortClass port = any_port;
    friend bool operator==(const BucketKey&, const BucketKey&) = default;
    template <typename H>
    friend H AbslHashValue(H h, const BucketKey& k) {
      return H::combine(std::move(h), k.group, k.value, k.port);
    }
  };
  template <class Visit>
  void visit_if_newer(const BucketKey& key, std::uint64_t since, Visit&& visit) {
    const BucketId* id = index_.find(key);
    if (id != nullptr && buckets_[*id].epoch > since) visit(*id);
  }
  std::optional<std::uint32_t> group_of(const GroupKey& key);

  std::vector<Group> groups_;
  absl::flat_hash_map<GroupKey, std::uint32_t> group_numbers_;
  std::vector<std::uint32_t> free_groups_;
  SlicedMap<BucketKey, BucketId> index_;
  std::deque<Bucket> buckets_;
  std::vector<BucketId> free_buckets_;
  std::uint64_t epoch_ = 0;
};

}  // namespace ofe::correlate
