// The connection store: what conntrack showed, merged into flows, and which of them are due for export.
//
// Pure: no I/O, no clock (time is an argument), no threads. Bounded: every limit has a counter in Stats.
//
// Identity. A flow is (original tuple, reply tuple); entries of several zones with the same two tuples are one flow
// whose counters come from the zone it was first seen in. A new conntrack id or start time on the same key, or, where a
// source has neither, a TCP state that returns to its opening, ends the old flow and begins a new one.
//
// End. A flow ends by a DESTROY event, or by being absent from two complete scans of every zone it was seen in. A scan
// that failed ends nothing; flows first seen in a zone after its scan began are not judged by that scan.
//
// Deltas. A flow's deltas sum to what was observed of it. The first delta is the total when its birth was seen (its
// start time is not before the store's, or, without a start time, its zone had a complete scan before the one it
// appeared in); otherwise counting begins with the first observation. A counter that goes back is a new baseline:
// what was pending stays pending, nothing is added for the step back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "flowstore/flow.h"

namespace flowstore {

struct Limits {
  std::size_t max_flows = 1'000'000;
};

// active_ms: a living flow is exported this long after it was first seen and as often again. idle_ms: a flow without
// new packets for this long is exported with idle_timeout once and then not before it counts again; 0: no idle timeout.
struct ExportTiming {
  std::int64_t active_ms = 60'000;
  std::int64_t idle_ms = 0;
};

struct Flow {
  Tuple original;
  Tuple reply;
  std::uint16_t zone = 0;  // the zone whose counters this flow shows
  std::uint32_t id = 0;
  std::uint32_t status = 0;
  std::uint32_t timeout_s = 0;
  std::uint32_t mark = 0;
  std::array<std::uint8_t, 16> labels{};
  TcpState tcp_state = TcpState::none;
  Statistics statistics = Statistics::none;
  bool birth_seen = false;
  bool ended = false;              // waits for its last export
  std::int64_t start_wall_ms = 0;  // conntrack's, else the first observation
  std::int64_t last_wall_ms = 0;   // last observation; the stop time once ended with one
  std::int64_t first_monotonic_ms = 0;
  Counters total;
  Counters pending;                // observed since the last export
  std::uint32_t exports = 0;       // records exported so far
  NameHandle names = 0;            // set by the caller through Store::set_names or inside a sink
};

enum class ObserveResult : std::uint8_t {
  created,
  updated,
  restarted,   // the key was reused: the old flow ended, a new one began
  other_zone,  // known from the zone it is counted in; this zone only keeps it alive
  refused,     // the store is full of living flows
};

// Monotonic counters except where named otherwise.
struct Stats {
  std::size_t flows = 0;                   // now, ended ones included
  std::size_t ended_waiting = 0;           // now: ended, last export still to come
  std::size_t without_statistics = 0;      // now: flows nothing counts
  std::uint64_t created = 0;
  std::uint64_t restarted = 0;
  std::uint64_t ended = 0;
  std::uint64_t exported = 0;              // records accepted by sinks
  std::uint64_t refused_full = 0;          // observations of new flows refused at the limit
  std::uint64_t evicted_ended = 0;         // ended flows dropped unexported to make room
  std::uint64_t counter_steps_back = 0;
  std::uint64_t zone_memberships_dropped = 0;  // a flow seen in more zones than are remembered for it
};

struct Export {
  Flow& flow;
  Counters delta;
  EndReason reason = EndReason::active_timeout;
};

class Store {
 public:
  Store(Limits limits, ExportTiming timing, Now started);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Applies to deadlines set from now on and pulls in those that would be later.
  void set_timing(ExportTiming timing, Now now);

  // Scans of one zone do not overlap; begin_scan on a zone whose scan is open abandons that one (it judges nothing).
  void begin_scan(std::uint16_t zone, Now now);
  ObserveResult observe(const Observation& seen, Now now);
  // complete=false: the dump failed or was interrupted; it judges nothing.
  void end_scan(std::uint16_t zone, bool complete, Now now);
  // Judges up to max_flows flows by the scans that ended; true while there is more to do.
  bool sweep(std::size_t max_flows, Now now);
  // A DESTROY event: final counters and stop time where the event carries them.
  void destroy(const Observation& last, Now now);
  // The zone is no longer watched: what only it kept alive ends (forced_end).
  void forget_zone(std::uint16_t zone, Now now);
  // Shutdown: every flow becomes due at once, with reason forced_end, and is removed by its export.
  void end_all(Now now);

  // Monotonic milliseconds; nullopt when nothing is due ever (empty store).
  std::optional<std::int64_t> next_deadline_ms() const;
  // Hands due flows, earliest first, to the sink until none is due, max were handed out, or the sink returns false
  // (it did not take the record: the flow stays due and loses nothing). Returns how many were taken.
  std::size_t export_due(Now now, std::size_t max, const std::function<bool(Export&)>& sink);

  // Every flow becomes due now, without ending (the operator asked for a flush).
  void make_all_due(Now now);

  const Flow* find(const Tuple& original, const Tuple& reply) const;
  void set_names(const Tuple& original, const Tuple& reply, NameHandle names);
  // In no particular order; the callback returns false to stop, and must not change the store.
  void for_each(const std::function<bool(const Flow&)>& visit) const;
  // Called for every flow that leaves the store, exported or evicted: the place to release its names.
  void on_removed(std::function<void(const Flow&)> callback);

  const Stats& stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowstore
