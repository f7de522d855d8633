// Records of dropped traffic: at the active timeout's interval while it goes on, and once more when it ended. Also
// takes out of the table what ended.
#pragma once

#include <array>
#include <cstdint>

#include "ovs-plugin/denied/table.h"
#include "ovs-plugin/exporter/collectors.h"
#include "ovs-plugin/exporter/state.h"
#include "ovs-plugin/record/denied_fields.h"
#include "ovs-plugin/record/field_table.h"

namespace ofe {

struct DeniedExportStats {
  std::uint64_t records = 0;
  std::uint64_t not_of_policy = 0;      // ends of drops that deniedFlows leaves out
  std::uint64_t unclassified = 0;       // of these, those whose rule nobody could tell
  std::uint64_t not_ip = 0;             // ends of drops no record can describe
  std::uint64_t filtered_protocol = 0;  // ends of drops that protocolFilter leaves out
  std::uint64_t without_collector = 0;
  std::uint64_t not_encodable = 0;
  std::uint64_t ended = 0;
};

class DeniedExport {
 public:
  explicit DeniedExport(State& state) : state_(state) {}
  void run(Collectors& collectors, flowstore::Now now);
  void wait(const Collectors& collectors) const;
  // Everything ends; finished() once all of it was handed over.
  void begin_shutdown() { shutting_down_ = true; }
  bool finished() const { return state_.denied.size() == 0; }
  const DeniedExportStats& stats() const { return stats_; }
  // Without growth for so long, and without a megaflow, a drop has ended.
  std::int64_t idle_ms() const;

 private:
  bool leaves(denied::Drop& drop, Collectors& collectors, flowstore::Now now);
  bool is_wanted(const denied::Drop& drop, bool ended);
  bool export_one(denied::Drop& drop, flowstore::EndReason reason, Collectors& collectors, flowstore::Now now);

  State& state_;
  bool shutting_down_ = false;
  bool more_ = false;  // of the round under way
  std::int64_t next_round_ms_ = 0;
  std::array<std::uint8_t, record::max_record_octets> buffer_{};
  DeniedExportStats stats_;
};

}  // namespace ofe
