// The connection store: what conntrack showed, merged into flows, and which of them are due for export.
//
// Pure: no I/O, no clock (time is an argument), no threads. Bounded: every limit has a counter in Stats.
//
// Identity. A flow is (original tuple, reply tuple); entries of several zones with the same two tuples are one flow
// whose counters come from the zone it was first seen in. There, another conntrack id or start time than the flow's,
// or, where the two have neither in common, a TCP state that returns to its opening or an absence judged by scans, ends
// the old flow and begins a new one. When the entry of that zone goes while others still show the connection, the flow
// lives on with the counters it had.
//
// End. A flow ends by its DESTROY event, or by absence from two complete scans in a row, of every zone it was seen in.
// A scan that failed neither counts nor breaks the row; an entry seen since a scan began is not judged by that scan;
// being seen starts the row afresh. An ended flow waits for its last export; a newer flow on its key does not disturb
// it.
//
// Deltas. A flow's deltas sum to what was observed of it. The first delta is the total when its birth was seen (a NEW
// event, or its start time is not before the store's, or, where a start time cannot tell, its zone had a complete scan
// before the one it appeared in: ZoneScans); otherwise counting begins with the first observation that has counters. A
// counter that goes back is a new baseline for all four: what was pending stays pending, nothing is added for the step
// back. Octets of one conntrack entry are not counted twice: a flow that begins where the same entry's flow waits ended
// goes on from its total, and what was seen of a zone before forget_zone() is not born again after it. One case is
// beyond the store's memory: an entry that two complete scans passed over, and that shows again after its flow's last
// export, counts anew.
//
// Restart. What for_each_baseline() and births() show of a store that was suspended makes another store, by resume()
// and resume_births(), go on as if it were the same one that had not looked for a while. A resumed flow is due only
// when it was seen again, and only an entry whose id or start time says so is its connection. One that two complete
// scans do not find ended meanwhile: that is its last record, with what had not been exported of it, unless the record
// of the shutdown had said it all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "flowstore/births.h"
#include "flowstore/flow.h"

namespace flowstore {

struct Limits {
  std::size_t max_flows = 1'000'000;
};

// active_ms (at least 1): a living flow is exported this long after it was first seen and as often again; periods in
// which nothing was taken are skipped, not made up for. idle_ms: a flow that counted nothing new for this long (its
// first observation counts as new) is exported with idle_timeout once, whatever its delta, and then not before it
// counts again, when both times start anew; 0: no idle timeout.
struct ExportTiming {
  std::int64_t active_ms = 60'000;
  std::int64_t idle_ms = 0;
};

enum class ObserveResult : std::uint8_t {
  created,
  updated,
  restarted,   // the key was reused: the old flow ended, a new one began
  other_zone,  // known from the zone it is counted in; this zone only keeps it alive
  refused,     // the store is full of living flows
  stale,       // an older picture of an entry whose end was seen while the zone's scan, still open, was running
  ended,       // a DESTROY event was applied
};

// Monotonic counters except where named otherwise.
struct Stats {
  std::size_t flows = 0;               // now, ended ones included
  std::size_t ended_waiting = 0;       // now: ended, last export still to come
  std::size_t without_statistics = 0;  // now: flows nothing counts
  std::uint64_t created = 0;           // those of restarts and of destroy() included
  std::uint64_t restarted = 0;
  std::uint64_t ended = 0;
  std::uint64_t exported = 0;       // records accepted by sinks
  std::uint64_t refused_full = 0;   // observations of new flows refused at the limit
  std::uint64_t evicted_ended = 0;  // ended flows dropped unexported to make room
  std::uint64_t counter_steps_back = 0;
  std::uint64_t zone_memberships_dropped = 0;  // observations in a zone beyond the three remembered for a flow
  std::uint64_t stale_observations = 0;
  std::uint64_t ends_not_remembered = 0;  // too many connections ended within one scan to know all stale pictures
  std::size_t resumed_unseen = 0;         // now: resumed and not seen again yet
  std::uint64_t resumed = 0;              // flows taken over by resume(); not in `created`
  std::uint64_t resumed_gone = 0;         // never seen again, and nothing left to say of them; not in `ended`
  std::uint64_t resume_refused = 0;       // beyond the limit, or on a key that another one has
};

// A flow for another process to go on with. What its name handle means is between the caller and itself.
struct Baseline {
  Flow flow;
  bool start_known = false;                       // flow.start_wall_ms is conntrack's own
  bool end_told = false;                          // of a living flow: its record of the shutdown was taken
  EndReason end_reason = EndReason::end_of_flow;  // of an ended flow
};

struct Export {
  Flow& flow;  // a sink may set names, nothing else
  Counters delta;
  EndReason reason = EndReason::active_timeout;
};

class Store {
 public:
  Store(Limits limits, ExportTiming timing, Now started);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Applies to deadlines set from now on and pulls in those that would be later, as sweep() comes by.
  void set_timing(ExportTiming timing, Now now);

  // Scans of one zone do not overlap; begin_scan on a zone whose scan is open abandons that one (it judges nothing).
  void begin_scan(std::uint16_t zone, Now now);
  //
  // Sight::gone ends: final counters and stop time where the event carries them. The entry of one of several zones only
  // ends the flow's life in that zone. One whose entry the store never saw (an unknown key, or another id or start
  // time) is a whole flow that ends as it begins; there, and nowhere else, Stats.created grows although the result is
  // not created.
  ObserveResult observe(const Observation& seen, Now now);
  // The same for each in turn, several times faster where the flows are not in the processor's cache. `results` has at
  // least as many places as `seen`.
  void observe_batch(std::span<const Observation> seen, Now now, std::span<ObserveResult> results);
  // complete=false: the dump failed or was interrupted; it judges nothing.
  void end_scan(std::uint16_t zone, bool complete, Now now);
  // Puts into effect what the scans that completed say, and what set_timing(), forget_zone() and make_all_due() ask
  // for, for up to max_flows places of the store; true while there is more to do. Scans may begin and end in between:
  // what a flow is judged by does not depend on when the sweep reaches it. A set_timing() or make_all_due() while an
  // earlier one is not finished finishes that at once.
  bool sweep(std::size_t max_flows, Now now);
  bool sweep_wanted() const;
  // The zone is no longer watched: what only it kept alive ends (forced_end) as sweep() comes by, unless it is seen
  // before that.
  void forget_zone(std::uint16_t zone, Now now);

  // Shutdown: every living flow becomes due at once, for one record with reason forced_end, and stays; nothing is to be
  // observed any more. Flows resumed and not seen since have said all they can and are left out. Finishes the sweep,
  // and walks over all flows.
  void suspend(Now now);
  // Records still to be taken after that.
  std::size_t suspended_unexported() const;
  // Living flows in no particular order, then ended ones as they ended. A living one that no id and no start time tells
  // from a successor on its key (userspace conntrack) cannot be gone on with: it is shown as ended by force when
  // something of it was not exported, else not at all. The callback returns false to stop.
  void for_each_baseline(const std::function<bool(const Baseline&)>& visit) const;
  Births births() const;
  // Before anything is observed; the baseline's monotonic times must be of the same clock. False: refused, because the
  // store is full, or because a living flow has no marks or not its key to itself.
  bool resume(const Baseline& baseline, Now now);
  // After the last of them. Does nothing when one was refused: its connection would be taken for a new one.
  void resume_births(const Births& births);

  // Monotonic milliseconds, never later than the truth unless there is something to sweep; nullopt when nothing will be
  // due (an empty store, or one of flows that were exported as idle).
  std::optional<std::int64_t> next_deadline_ms() const;
  // Hands due flows, earliest first, to the sink until none is due, max were handed out, or the sink returns false
  // (it did not take the record: the flow stays due and loses nothing). Returns how many were taken. A sink must not
  // change the store. Beyond max_living of living flows only ended ones are handed out.
  std::size_t export_due(Now now, std::size_t max, const std::function<bool(Export&)>& sink,
                         std::size_t max_living = SIZE_MAX);

  // Every flow becomes due as sweep() comes by, without ending and without a change of its later deadlines (the
  // operator asked for a flush).
  void make_all_due(Now now);

  // The latest flow on the key, which may have ended and wait for its last export. Valid until the store changes.
  const Flow* find(const Tuple& original, const Tuple& reply) const;
  void set_names(const Tuple& original, const Tuple& reply, NameHandle names);
  // In no particular order; the callback returns false to stop, and must not change the store.
  void for_each(const std::function<bool(const Flow&)>& visit) const;
  // The same in slices: visits the flows of up to max_places places of the store from place `from` (0: the first), and
  // returns where to go on, nullopt after the last. What is created or removed between the slices is visited or not.
  std::optional<std::uint32_t> for_each_from(std::uint32_t from, std::uint32_t max_places,
                                             const std::function<void(const Flow&)>& visit) const;
  // Called for every flow that leaves the store, exported or evicted: the place to release its names.
  void on_removed(std::function<void(const Flow&)> callback);

  const Stats& stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowstore
