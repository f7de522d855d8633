// Which zones are watched where the settings name none: those that the bridge's OpenFlow rules commit connections to,
// and those that OVN's controller gave away. Follows changes: reads the rules again at an interval, and soon after
// OVSDB shows another bridge or other ports.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "ovs-plugin/exporter/ovsdb_part.h"
#include "ovs-plugin/exporter/part.h"
#include "ovs-plugin/exporter/question_budget.h"
#include "ovs-plugin/exporter/rules_reading.h"
#include "ovs-plugin/exporter/state.h"
#include "ovs-plugin/zones/watch_list.h"

namespace ofe {

struct ZonesPartStats {
  std::uint64_t readings = 0, readings_failed = 0;
  std::uint64_t readings_incomplete = 0;  // took no zone out
  std::int64_t last_reading_wall_ms = 0;  // a good one
  std::int64_t last_reading_ms = 0;       // how long it took, pauses included
  std::int64_t last_cost_ms = 0;          // of ovs-vswitchd's time, at the most
  std::int64_t interval_ms = 0;           // until the next one, unless OVSDB changes
  // Of the last reading.
  std::uint64_t rules = 0, undecodable = 0, tables_too_long = 0, writes_dropped = 0;
  std::vector<zones::Unresolved> unresolved;
  std::size_t unresolved_more = 0;
  std::string last_error;  // "" after a good reading
};

// How long until the rules are read again: what a reading costs ovs-vswitchd is one percent of its time at the most.
std::int64_t rules_interval_ms(std::int64_t poll_interval_ms, std::int64_t cost_ms);

class ZonesPart : public Part {
 public:
  // The budget is that of all questions to ovs-vswitchd.
  ZonesPart(State& state, const OvsdbPart& ovsdb, QuestionBudget& budget)
      : state_(state), ovsdb_(ovsdb), budget_(budget) {}
  void run(flowstore::Now now) override;
  void wait(flowstore::Now now) override;

  const char* source() const;  // "ovsFlowExporter.zones", "rules" or "default"
  const zones::WatchList& watched() const { return list_; }
  const ZonesPartStats& stats() const { return stats_; }

 private:
  void follow_bridge(flowstore::Now now);
  void begin(flowstore::Now now);
  void end(bool good, flowstore::Now now);
  void take_in(zones::Resolution resolution, bool complete, flowstore::Now now);
  void report(const zones::Resolution& resolution);

  State& state_;
  const OvsdbPart& ovsdb_;
  QuestionBudget& budget_;
  zones::WatchList list_;
  std::unique_ptr<RulesReading> reading_;
  bool work_left_ = false;
  std::string bridge_;
  unsigned seqno_ = 0;
  std::int64_t due_ms_ = INT64_MAX, earliest_ms_ = 0;
  std::int64_t retry_ms_ = 0;
  std::set<std::string> said_;
  ZonesPartStats stats_;
};

}  // namespace ofe
