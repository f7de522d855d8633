// Packets and octets per 5-tuple for connections conntrack itself does not count (the userspace datapath).
//
// Two sources, never added up. NetFlow (exact accounting) is the authority for IPv4 TCP and UDP while it is active: it
// has the packets handled by upcalls, which megaflow statistics leave out. Elsewhere entry-stage megaflows that pin one
// tuple count it. Both are followed as increments: NetFlow records are increments by themselves; a megaflow's counters
// start over when it expires and comes back, so its growth since the last dump is what is added.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "flowstore/flow.h"
#include "ovs-plugin/correlate/sliced_map.h"
#include "ovs-plugin/datapath/entry_stage.h"
#include "ovs-plugin/datapath/netflow.h"

namespace ofe::correlate {

struct DatapathCounterStats {
  std::size_t tuples = 0;              // now
  std::size_t megaflows = 0;           // now: pinned entry-stage flows followed
  std::uint64_t refused_full = 0;      // tuples not followed because of the limit
  std::uint64_t counter_restarts = 0;  // megaflows whose counters went back
  std::uint64_t expired = 0;           // tuples that no connection claimed in time
};

class DatapathCounters {
 public:
  // max_tuples: two per connection, one for each direction.
  explicit DatapathCounters(std::size_t max_tuples, std::int64_t unclaimed_ms = 120'000);

  void set_netflow_active(bool active) { netflow_active_ = active; }
  void add_netflow(const datapath::NetflowRecord& record, flowstore::Now now);

  // One dump: begin, every pinned flow, end. A dump that broke off is not ended; the next begin starts over.
  // end_dump() and expire() look at some `budget` entries a call, and are true while there is more.
  void begin_dump();
  void add_pinned(const datapath::PinnedCounters& flow, flowstore::Now now);
  bool end_dump(std::size_t budget = SIZE_MAX);  // forgets megaflows that were not in it; what they counted stays

  // Sets counters and statistics of an observation that has none, from both directions' tuples as they entered the
  // bridge. A direction nothing has counted yet is zero; with neither, statistics stay none.
  void apply(flowstore::Observation& seen, flowstore::Now now);
  // The connection is gone, or its tuples were taken over by a new one: counting starts at zero again.
  void forget(const flowstore::Tuple& original, const flowstore::Tuple& reply);
  // Every watched zone was read: connections that exist have asked for their tuples.
  void poll_completed() { ++polls_; }
  // What NetFlow counted of a tuple since the last call, for packets that were dropped: only of a tuple that no
  // connection has asked for though a whole poll went by since its first packet. Handed over, not copied.
  struct Dropped {
    std::uint64_t packets = 0, octets = 0;
  };
  std::optional<Dropped> take_dropped(const flowstore::Tuple& tuple, flowstore::Now now);
  // Drops tuples that counted but that no connection asked for.
  bool expire(flowstore::Now now, std::size_t budget = SIZE_MAX);

  DatapathCounterStats stats() const;

 private:
  struct Count {
    std::uint64_t packets = 0, octets = 0;
    std::int64_t claimed_ms = 0;   // monotonic; when it began, or when apply() or take_dropped() last asked for it
    std::uint64_t first_poll = 0;  // polls completed when it began
    bool of_connection = false, dropped = false;  // which of the two asked for it
  };
  struct MegaflowCount {
    flowstore::Tuple tuple;
    std::uint64_t packets = 0, octets = 0;
    std::uint64_t dump = 0;
  };
  Count* count_of(const flowstore::Tuple& tuple, flowstore::Now now);
  bool netflow_counts(const flowstore::Tuple& tuple) const;

  std::size_t max_tuples_;
  std::int64_t unclaimed_ms_;
  bool netflow_active_ = false;
  std::uint64_t dump_ = 0, polls_ = 0;
  SlicedMap<flowstore::Tuple, Count> tuples_;
  SlicedMap<datapath::Ufid, MegaflowCount> megaflows_;
  std::size_t ending_slice_ = 0, expiring_slice_ = 0;  // where end_dump() and expire() go on
  DatapathCounterStats stats_;
};

}  // namespace ofe::correlate
