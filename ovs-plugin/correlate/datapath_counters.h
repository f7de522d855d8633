// Packets and octets per 5-tuple for connections conntrack itself does not count (the userspace datapath).
//
// Two sources, never added up. NetFlow (exact accounting) is the authority for IPv4 TCP and UDP while it is active: it
// has the packets handled by upcalls, which megaflow statistics leave out. Elsewhere entry-stage megaflows count: for
// one connection alone where they pin it, else as shares, which are estimates (megaflow_join.h). All are followed as
// increments. A connection that ever had a share stays estimated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "flowstore/flow.h"
#include "ovs-plugin/correlate/directions.h"
#include "ovs-plugin/correlate/megaflow_join.h"
#include "ovs-plugin/datapath/megaflow.h"
#include "ovs-plugin/datapath/netflow.h"

namespace ofe::correlate {

struct DatapathCounterStats {
  std::size_t tuples = 0;          // now
  std::uint64_t refused_full = 0;  // how often a tuple was not followed because of the limit
  std::uint64_t expired = 0;       // tuples that no connection claimed in time
  MegaflowJoinStats join;
};

class DatapathCounters {
 public:
  // max_tuples: two per connection, one for each direction.
  explicit DatapathCounters(std::size_t max_tuples, std::int64_t unclaimed_ms = 120'000);

  void set_netflow_active(bool active) { netflow_active_ = active; }
  void add_netflow(const datapath::NetflowRecord& record, flowstore::Now now);

  void set_pod_ports(PodPorts ports) { join_.set_pod_ports(std::move(ports)); }
  // One dump: begin, every flow of every stage, settle until it is false (see MegaflowJoin); then what no connection
  // asked for is dropped, too. `thread` tells the datapath's forwarding threads apart.
  void begin_dump(flowstore::Now now);
  void add_flow(const datapath::Megaflow& flow, std::uint64_t thread = 0) { join_.add(flow, thread); }
  bool settle(std::span<const std::uint16_t> watched_zones, flowstore::Now now, std::size_t budget = SIZE_MAX);

  // Sets counters and statistics of an entry's observation that has none, from both directions' tuples as they entered
  // the bridge, and makes the connection known to the join. A direction nothing has counted yet is zero; with neither,
  // statistics stay none.
  void apply(flowstore::Observation& seen, flowstore::Now now) { apply(std::span(&seen, 1), now); }
  // Of many in a row at two thirds of the time.
  void apply(std::span<flowstore::Observation> seen, flowstore::Now now);
  // The connection is gone, or its tuples were taken over by a new one: counting starts at zero again.
  void forget(const flowstore::Tuple& original, const flowstore::Tuple& reply);
  // Every watched zone was read: connections that exist have asked for their tuples.
  void poll_completed() { ++polls_; }
  // What NetFlow counted of a tuple since the last call, for packets that were dropped: only of a tuple that no
  // connection has asked for though a whole poll went by since its first packet. Handed over, not copied.
  using Dropped = Amount;
  std::optional<Dropped> take_dropped(const flowstore::Tuple& tuple, flowstore::Now now);

  DatapathCounterStats stats() const;

 private:
  void apply_one(flowstore::Observation& seen, flowstore::Now now);
  Direction* claim(DirectionId id, std::uint16_t zone, bool active, flowstore::Now now);  // null: no_direction
  void erase(const flowstore::Tuple& tuple);
  bool expire(flowstore::Now now, std::size_t budget);

  std::int64_t unclaimed_ms_;
  bool netflow_active_ = false;
  std::uint64_t polls_ = 0;
  bool expiring_ = false;
  DirectionId expiring_next_ = 0;  // where expire() goes on
  Directions directions_;
  MegaflowJoin join_;
  DatapathCounterStats stats_;
};

}  // namespace ofe::correlate
