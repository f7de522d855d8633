// The directions of connections that the datapath counts, by their tuple as it enters the bridge, before NAT.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "flowstore/flow.h"
#include "ovs-plugin/correlate/apportion.h"
#include "ovs-plugin/correlate/sliced_map.h"

namespace ofe::correlate {

using DirectionId = std::uint32_t;
inline constexpr DirectionId no_direction = UINT32_MAX;

// A place among the members of a bucket (tuple_space.h).
struct Membership {
  std::uint32_t bucket = 0, place = 0;
};

struct Direction {
  flowstore::Tuple tuple;
  std::array<std::uint16_t, 3> zones{};  // as many as the store remembers of a flow
  std::uint8_t zone_count = 0;
  bool in_use = false;              // the place is a direction's
  bool connection = false;          // a connection has claimed it; until then something counted it, and nobody asked
  bool counted = false;             // its counters say something
  bool estimated = false;           // and a share of what several had in common is, or may be, in them
  bool dropped = false;             // no connection has it: what NetFlow counts of it is handed over to dropped traffic
  bool netflow = false;             // it was NetFlow's to count when it was claimed last
  bool fragmented = false;          // a megaflow of first fragments pins it
  bool lossy = false;               // a megaflow that counted it may have gone with packets that were not seen
  std::uint32_t generation = 0;     // of the place: another tuple's is another one
  std::uint32_t claimed_round = 0;  // the last in which a scan showed the connection,
  std::uint32_t active_round = 0;   // and in which conntrack had seen packets of it
  std::uint32_t port = 0;           // see MegaflowJoin
  std::uint64_t matched_epoch = 0;  // it is a member of every bucket up to this one that matches
  std::uint64_t first_poll = 0;     // polls completed when it began
  std::int64_t claimed_ms = 0;      // monotonic; when it began, or when a connection last asked for it
  std::int64_t timeout_seen_ms = 0;
  std::uint32_t timeout_s = 0;  // conntrack's, when it was last seen
  flowstore::TcpState tcp_state = flowstore::TcpState::none;
  Amount total;
  Amount shared;  // of it, what is a share
  Amount others;  // what the others got when this one got its shares: more than that it cannot have missed,
                  // unless it is lossy
  absl::InlinedVector<Membership, 2> memberships;

  // NetFlow counts of its fragments the first ones only: what it counts is not all, whether it has had a share or not.
  bool marked() const { return estimated || (netflow && fragmented); }
};

class Directions {
 public:
  explicit Directions(std::size_t most) : most_(most) {}
  Direction* find(const flowstore::Tuple& tuple);    // null: not there
  DirectionId id_of(const flowstore::Tuple& tuple);  // no_direction: not there
  // Starts fetching what the other functions look at: of a tuple its place in the index, of an id what it stands for.
  void prefetch(const flowstore::Tuple& tuple) const { ids_.prefetch(tuple); }
  void prefetch(DirectionId id) const;
  // Made where it is not there; no_direction: there are as many as there may be.
  DirectionId make(const flowstore::Tuple& tuple, flowstore::Now now);
  Direction& operator[](DirectionId id) { return arena_[id]; }
  // Its memberships are the caller's to end before.
  void erase(DirectionId id);
  std::size_t size() const { return ids_.size(); }
  std::uint64_t refused() const { return refused_; }  // how often there were too many

  // Shows some `budget` of them from where the last call stopped; those `gone` is true for are handed to `release` and
  // erased. True while there are more.
  template <class Gone, class Release>
  bool erase_some(DirectionId& next, std::size_t budget, Gone&& gone, Release&& release) {
    for (; next < arena_.size() && budget > 0; ++next, --budget) {
      if (!arena_[next].in_use || !gone(arena_[next])) continue;
      release(next);
      erase(next);
    }
    if (next < arena_.size()) return true;
    next = 0;
    return false;
  }

 private:
  std::size_t most_;
  std::uint64_t refused_ = 0;
  std::deque<Direction> arena_;  // grows without copying
  std::vector<DirectionId> free_;
  SlicedMap<flowstore::Tuple, DirectionId> ids_;
};

}  // namespace ofe::correlate
