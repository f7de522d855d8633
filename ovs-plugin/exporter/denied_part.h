// Which OpenFlow rule dropped: asks ovs-vswitchd by ofproto/trace, and hands NetFlow's counts of dropped packets to the
// table of drops.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ovs-plugin/denied/table.h"
#include "ovs-plugin/exporter/ovsdb_part.h"
#include "ovs-plugin/exporter/part.h"
#include "ovs-plugin/exporter/question_budget.h"
#include "ovs-plugin/exporter/state.h"
#include "ovs-plugin/exporter/vswitchd_client.h"

namespace ofe {

struct DeniedPartStats {
  std::uint64_t traces = 0;          // answered
  std::uint64_t traces_refused = 0;  // by ovs-vswitchd, as of a recirculation ID no longer in use
  std::uint64_t traces_failed = 0;   // no ovs-vswitchd, or it did not answer
  std::uint64_t unreadable = 0;      // answers that are none of ofproto/trace's
  std::string last_problem;          // "" until there is one
};

class DeniedPart : public Part {
 public:
  // The budget is that of every question to ovs-vswitchd, and outlives this.
  DeniedPart(State& state, const OvsdbPart& ovsdb, QuestionBudget& budget);
  void run(flowstore::Now now) override;
  void wait(flowstore::Now now) override;

  // At most so many traces a second, within the budget. One takes ovs-vswitchd 50 us (measured: 2,000 on a bridge of
  // six tables), and megaflows of a burst of attempts, each with a recirculation ID in use, are there for 10 s.
  static constexpr std::int64_t traces_per_second = 100;
  const DeniedPartStats& stats() const { return stats_; }

 private:
  bool wanted() const;
  void stop();
  void ask(flowstore::Now now);
  bool call(const std::vector<std::string>& words, flowstore::Now now);
  void give_up(flowstore::Now now);
  bool describe();
  void read(flowstore::Now now);
  void judge(flowstore::Now now);
  void take_netflow(flowstore::Now now);
  void charge(flowstore::Now now);

  State& state_;
  const OvsdbPart& ovsdb_;
  QuestionBudget& budget_;
  VswitchdClient client_;
  std::optional<denied::Table::Question> question_;  // under way; its flow is "" while that is asked for
  std::string answer_;
  std::int64_t next_ask_ms_ = 0;  // monotonic
  std::uint64_t dumps_seen_ = 0;
  unsigned uncharged_ = 0;  // traces too short for the budget's unit
  DeniedPartStats stats_;
};

}  // namespace ofe
