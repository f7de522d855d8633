// A store that is obviously right: lists, linear scans, everything worked out at once and on the spot. It says what the
// real one must show; store_model_test.cc holds the two against each other.
//
// Two things it cannot know and is told: which flow a full store gave up, where several ended at the same moment, and
// which of the flows that are to end a slice of a sweep has reached.
#pragma once

#include <list>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "flowstore/store.h"

namespace flowstore {

inline constexpr std::int64_t never = INT64_MAX;
void add(Counters& sum, const Counters& part);

struct ModelFlow {
  struct InZone {
    int missed = 0;            // complete scans in a row that did not find it
    bool in_question = false;  // it was there when the running scan began, and not seen since
    bool forgotten = false;    // with its zone, and not seen since
    bool lost() const { return missed >= 2 || forgotten; }
  };

  Flow shows;             // what the store must show, pending counters included
  bool on_key = true;     // no newer flow took its key
  bool unseen = false;    // resumed, and not seen since
  bool end_told = false;  // by its record of the shutdown
  bool start_known = false;
  std::map<std::uint16_t, InZone> zones;
  Counters observed;   // all that was added to pending
  Counters delivered;  // all that accepted exports took

  EndReason end_reason = EndReason::end_of_flow;
  // Of several zones one was forgotten and another lacked it: which came last depends on when the sweep came by.
  bool either_reason = false;
  std::int64_t ended_at = 0;
  std::uint64_t end_order = 0;

  std::int64_t period_start = 0;
  std::int64_t active_due = 0;
  std::int64_t last_growth = 0;
  bool idle_exported = false;
  std::optional<std::int64_t> flush_due;
};

class StoreModel {
 public:
  StoreModel(Limits limits, ExportTiming timing, Now started)
      : limits_(limits), timing_(timing), births_from_(started.wall_ms), moments_{started} {}

  void set_timing(ExportTiming timing, Now now);
  void begin_scan(std::uint16_t zone, Now now);
  void end_scan(std::uint16_t zone, bool complete);
  // given_up: what the real store removed without export meanwhile.
  ObserveResult observe(const Observation& seen, Now now, const std::vector<Flow>& given_up);
  void destroy(const Observation& last, Now now, const std::vector<Flow>& given_up);
  void forget_zone(std::uint16_t zone, Now now);
  void make_all_due(Now now);

  void suspend(Now now);
  // The flow that a store shows as this baseline.
  ModelFlow* find_like(const Baseline& baseline);
  // One flow after the other of those that were shown goes into the next store, unless it refused it, and then the
  // births, in the end nothing else is left.
  void resume(ModelFlow& flow, bool refused, Now now);
  void begin_again(Limits limits, ExportTiming timing, Now now);

  // Living flows that are in none of their zones any more, and how they end.
  std::vector<ModelFlow*> to_be_swept();
  void end(ModelFlow& flow, EndReason reason, Now now);
  void end_by_sweep(ModelFlow& flow, Now now);

  std::optional<std::int64_t> earliest_due() const;
  // The flow that shows the same, the earliest due if several do; nullptr if none does.
  ModelFlow* find_like(const Flow& shown);
  EndReason reason_if_exported(const ModelFlow& flow, Now now) const;
  std::int64_t due(const ModelFlow& flow) const;
  void accept_export(ModelFlow& flow, Now now);

  // The living flow of the key, or else the one that ended last.
  ModelFlow* latest(const Tuple& original, const Tuple& reply);
  std::list<ModelFlow>& flows() { return flows_; }
  // It leaves the store as it ends.
  static bool goes_without_record(const ModelFlow& flow) {
    return flow.unseen && flow.end_told && flow.shows.pending == Counters{};
  }
  Stats stats() const;
  // By what births were judged.
  struct BirthsBy {
    std::uint64_t start = 0, scan = 0, clock_set_back = 0, future = 0;
  };
  const BirthsBy& births_by() const { return births_by_; }
  // What went wrong in the store's giving up of flows; empty when nothing did.
  const std::string& complaint() const { return complaint_; }

 private:
  using EntryKey =
      std::tuple<Address, std::uint16_t, std::uint16_t, std::uint32_t>;  // of a test's small key space, and id
  struct KnownEnd {
    std::int64_t start = 0;
    Flow flow;
  };
  struct Zone {
    bool scanning = false;
    bool had_complete_scan = false;
    std::int64_t births_from = 0;
    std::size_t watched_from = 0;  // which of moments_
    std::map<EntryKey, std::vector<KnownEnd>> ends_during_scan;
  };

  static EntryKey entry_key(const Observation& seen);
  bool is_same(const ModelFlow& flow, const Observation& seen) const;
  bool is_other(const ModelFlow& flow, const Observation& seen) const;
  static void seen_until(ModelFlow& flow, std::int64_t wall_ms);
  bool birth_seen(const Observation& seen, Now now);
  Zone& zone(std::uint16_t number);
  KnownEnd* known_end(const Observation& seen);
  void remember_end(const ModelFlow& flow, const Observation& of);
  bool is_in(const ModelFlow& flow, std::uint16_t zone) const;
  bool is_gone(const ModelFlow& flow) const;
  void count(ModelFlow& flow, const Observation& seen, Now now);
  void copy_entry(ModelFlow& flow, const Observation& seen, bool whole_entry);
  void start_deadlines(ModelFlow& flow, Now now);
  void seen_again(ModelFlow& flow, Now now);
  ModelFlow* make_flow(const Observation& seen, Now now, const std::vector<Flow>& given_up);
  ObserveResult begin_flow(const Observation& seen, Now now, const Flow* goes_on_from,
                           const std::vector<Flow>& given_up);
  void record_whole_flow(const Observation& last, Now now, const std::vector<Flow>& given_up);

  Limits limits_;
  ExportTiming timing_;
  std::int64_t births_from_;  // of zones not seen yet
  std::vector<Now> moments_;  // at which the clocks were looked at, the start the first
  std::list<ModelFlow> flows_;
  std::list<ModelFlow> resumed_;  // between two processes
  std::uint64_t resume_refused_ = 0;
  bool suspended_ = false;
  std::map<std::uint16_t, Zone> zones_;
  std::uint64_t ends_ = 0;
  Stats stats_;
  BirthsBy births_by_;
  std::string complaint_;
};

// All that a flow shows, in words, for comparing and for failures.
std::string describe(const Flow& flow);

}  // namespace flowstore
