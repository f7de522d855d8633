// Which number each port has in the datapath: ovs-vswitchd is asked (dpif/show, both datapaths) when OVSDB changed,
// when another ovs-vswitchd runs, and now and then.
#pragma once

#include <cstdint>
#include <string>

#include "ovs-plugin/datapath/dpif_show.h"
#include "ovs-plugin/exporter/ovsdb_part.h"
#include "ovs-plugin/exporter/part.h"
#include "ovs-plugin/exporter/question_budget.h"
#include "ovs-plugin/exporter/state.h"
#include "ovs-plugin/exporter/vswitchd_client.h"

namespace ofe {

struct PortsPartStats {
  std::uint64_t answers = 0, failures = 0;
  std::uint64_t unreadable = 0;  // lines of the last answer
  std::int64_t last_answer_wall_ms = 0;
  std::string last_error;  // "" after a good answer
};

class PortsPart : public Part {
 public:
  // The budget is that of all questions to ovs-vswitchd.
  PortsPart(State& state, const OvsdbPart& ovsdb, QuestionBudget& budget, std::string rundir)
      : state_(state), ovsdb_(ovsdb), budget_(budget), rundir_(rundir), client_(std::move(rundir)) {}
  void run(flowstore::Now now) override;
  void wait(flowstore::Now now) override;

  const PortsPartStats& stats() const { return stats_; }

 private:
  void follow_vswitchd(flowstore::Now now);
  void ask(flowstore::Now now);
  void read(flowstore::Now now);
  void answered(flowstore::Now now);
  void failed(flowstore::Now now);

  State& state_;
  const OvsdbPart& ovsdb_;
  QuestionBudget& budget_;
  const std::string rundir_;
  VswitchdClient client_;
  datapath::DpifShow answer_;
  bool asked_ = false, work_left_ = false;
  unsigned seqno_ = 0;
  std::string socket_;
  std::int64_t looked_ms_ = INT64_MIN / 2, due_ms_ = 0, earliest_ms_ = 0;
  PortsPartStats stats_;
};

}  // namespace ofe
