// The store's parts and how they hang together. Its methods are spread by subject: store_observe.cc (what sources
// show), store_scan.cc (the sweep: ends by absence, and what else is done to all), store_export.cc (deadlines and
// records), store_resume.cc (from one process to the next), store.cc (the life of a slot, and queries).
//
// What holds between calls:
// - A live flow is in the index, has at least one zone, and has a deadline unless it was exported as idle, or was
//   resumed and not seen since.
// - An ended flow has no zone and no deadline; it stands once in ended_, in the order of ending, and stays in the index
//   until a newer flow takes its key.
// - Every flow observed adds to its pending counters what its total grows by; only an accepted export clears them.
#pragma once

#include <deque>

#include "flowstore/deadlines.h"
#include "flowstore/flow_arena.h"
#include "flowstore/flow_index.h"
#include "flowstore/recent_ends.h"
#include "flowstore/store.h"
#include "flowstore/zone_scans.h"

namespace flowstore {

struct Store::Impl {
  Impl(Limits limits, ExportTiming timing, Now started);

  // store_observe.cc
  ObserveResult observe(const Observation& seen, std::uint64_t hash, Now now);
  void destroy(const Observation& last, std::uint64_t hash, Now now);

  // store_scan.cc
  void end_scan(std::uint16_t zone, bool complete);
  void forget_zone(std::uint16_t zone, Now now);
  void want_sweep();
  bool sweep(std::size_t max_flows, Now now);
  void finish_sweep(Now now);
  // What the sweep is to do to every flow there is now, besides judging it.
  enum class Task : std::uint8_t { none, retime, make_due };
  void begin_task(Task task, Now now);
  // Does it to this flow, where the sweep has not come yet. To be called before its deadlines are read or set, so that
  // they are at any time what they would be had the task been done at once. True when there was something to do.
  bool catch_up(std::uint32_t slot);

  // store_export.cc
  void set_timing(ExportTiming wanted, Now now);
  void retime(std::uint32_t slot);
  void make_due(std::uint32_t slot, std::int64_t due_ms);
  std::optional<std::int64_t> next_deadline_ms() const;
  std::size_t export_due(Now now, std::size_t max, const std::function<bool(Export&)>& sink, std::size_t max_living);
  void start_deadlines(std::uint32_t slot, Now now);
  void counted_at(std::uint32_t slot, Now now);

  // store_resume.cc
  void suspend(Now now);
  void for_each_baseline(const std::function<bool(const Baseline&)>& visit) const;
  bool resume(const Baseline& baseline, Now now);
  // A resumed flow shows itself again: from now on it is a flow as any other.
  void seen_again(std::uint32_t slot, Now now);

  // store.cc
  std::uint32_t find(std::uint64_t hash, const Tuple& original, const Tuple& reply) const;
  // FlowIndex::none when the store is full of living flows. The slot has its key and is in the index if `indexed`.
  std::uint32_t create(const Observation& seen, std::uint64_t hash, bool indexed, Now now);
  void end(std::uint32_t slot, EndReason reason, Now now);
  void remove_oldest_ended();
  void remove(std::uint32_t slot);
  void leave_index(std::uint32_t slot);

  Limits limits_;
  ExportTiming timing_;
  FlowArena arena_;
  FlowIndex index_;
  Deadlines deadlines_;
  std::deque<std::uint32_t> ended_;
  ZoneScans scans_;
  RecentEnds recent_ends_;
  std::uint32_t sweep_at_ = 0;  // the next slot to judge
  bool sweep_wanted_ = false;   // a walk over all slots is under way or to begin
  bool sweep_again_ = false;    // there was more to do while it was under way
  Task task_ = Task::none;
  bool task_parity_ = false;  // of slots to which the last task was done
  int task_walks_ = 0;        // how many walks must end till it is done to all
  std::int64_t task_began_ms_ = 0;
  bool suspended_ = false;
  std::function<void(const Flow&)> on_removed_;
  Stats stats_;

 private:
  bool is_expected(std::uint32_t slot, bool same, const Observation& seen) const;
  bool is_stale(const Observation& seen, std::uint64_t hash);
  ObserveResult begin_flow(const Observation& seen, std::uint64_t hash, std::uint32_t predecessor, Now now);
  bool is_new_connection(const Slot& slot, const Observation& seen) const;
  // on_key: the latest flow on the same key, or FlowIndex::none.
  void record_whole_flow(const Observation& last, std::uint64_t hash, std::uint32_t on_key, Now now);
  // Takes over totals that were counted before, by a flow of the same connection.
  void continue_counting(Flow& flow, const RecentEnds::End& before);
  void take_counters(std::uint32_t slot, const Observation& seen, Now now);
  void remember_end(const Slot& slot, std::uint16_t zone, const EntryMarks& marks, std::uint64_t hash);

  bool idle_at(const Slot& slot, std::int64_t monotonic_ms) const;
  std::int64_t regular_due_ms(const Slot& slot) const;
  void settle_top(std::int64_t until_ms);
  void prefetch_next_due() const;
  bool export_one(std::uint32_t slot, Now now, const std::function<bool(Export&)>& sink);
  void schedule_after_export(std::uint32_t slot, bool idle, Now now);
};

std::uint64_t hash_key(const Tuple& original, const Tuple& reply);

}  // namespace flowstore
