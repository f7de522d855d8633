// The userspace datapath: it lives inside ovs-vswitchd and is asked over its control socket, first for its flows (for
// what conntrack there does not count), then for each zone.
//
// Every dump is preceded by a question for the number of entries, which costs next to nothing: an answer that would be
// too long is not asked for. Nothing smaller than a zone can be asked for.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ovs-plugin/conntrack/dump_text.h"
#include "ovs-plugin/exporter/answer_forecast.h"
#include "ovs-plugin/exporter/megaflow_dump.h"
#include "ovs-plugin/exporter/observation_batch.h"
#include "ovs-plugin/exporter/question_budget.h"
#include "ovs-plugin/exporter/vswitchd_client.h"
#include "ovs-plugin/exporter/zone_scan.h"

namespace ofe {

struct UserspaceScanStats {
  std::uint64_t polls_begun = 0;
  std::uint64_t polls_delayed = 0;    // a question of theirs waited until the budget allowed it
  std::int64_t poll_interval_ms = 0;  // between the first questions of the last two polls; 0: no two yet
  std::int64_t longest_question_ms = 0;
  std::string longest_question;      // the command that took it
  std::uint64_t dumps_too_long = 0;  // not asked for
  std::string last_too_long;         // which; how many entries and octets it would have had
  std::uint64_t last_too_long_entries = 0, last_too_long_octets = 0;
};

class UserspaceScan : public ZoneScan {
 public:
  // The budget outlives the scan: ovs-vswitchd stays the same when the bridge is made anew.
  UserspaceScan(State& state, QuestionBudget& budget, const std::string& rundir);
  bool prepare(flowstore::Now now) override;
  std::size_t zones_at_once(std::size_t) const override { return 1; }
  bool start(std::span<const std::uint16_t> zones, flowstore::Now now) override;
  Progress step(flowstore::Now now) override;
  void wait() const override;
  void abandon() override;
  std::string error() const override { return error_; }

  const UserspaceScanStats& stats() const { return stats_; }
  const QuestionBudget& budget() const { return budget_; }
  const VswitchdStats& vswitchd() const { return client_.stats(); }
  const conntrack::DumpTextStats& conntrack_text() const { return text_stats_; }
  const MegaflowTextStats& megaflows() const { return megaflows_.stats(); }

 private:
  enum class Question : std::uint8_t { none, count_megaflows, megaflows, count_connections, count_zone, connections };
  // due: to be asked when the budget allows it; settling: the answer is read, its flows are being counted.
  enum class Stage : std::uint8_t { idle, due, asked, settling };

  Progress ask_next(Question question);
  Progress ask_unless_too_long(Question dump);
  std::vector<std::string> words() const;  // of the question: a command and its arguments
  Progress ask(flowstore::Now now);
  Progress read(flowstore::Now now);
  void take_lines(std::string_view lines, flowstore::Now now);
  Progress answered(std::int64_t cost_ms);
  bool asks_for_dump() const { return question_ == Question::megaflows || question_ == Question::connections; }
  // Of the dump of megaflows while that is asked for, else of connections.
  const AnswerForecast& forecast() const {
    return question_ == Question::megaflows ? megaflows_forecast_ : connections_forecast_;
  }
  std::int64_t expected_cost_ms() const;
  std::int64_t cost_of_answer_ms() const;
  std::int64_t stall_of_answer_ms() const;
  std::int64_t earliest_ms() const { return budget_.earliest_ms(expected_cost_ms()); }
  Progress failed();
  bool too_long(const AnswerForecast& forecast) const;

  State& state_;
  QuestionBudget& budget_;
  VswitchdClient client_;
  Question question_ = Question::none;
  Stage stage_ = Stage::idle;
  std::uint16_t zone_ = 0;
  std::uint64_t entries_ = 0;  // how many the dump will list; 0: not known
  std::uint64_t lines_ = 0;    // of the answer so far
  std::string count_text_;     // the answer to a question for a number
  bool poll_delayed_ = false;
  std::int64_t poll_asked_ms_ = 0;
  std::int64_t last_step_ms_ = 0;
  std::string error_;
  ObservationBatch batch_;
  MegaflowDump megaflows_;
  AnswerForecast connections_forecast_, megaflows_forecast_;
  std::map<std::uint16_t, std::uint64_t> zone_entries_;  // of its last dump
  conntrack::DumpTextStats text_stats_;
  UserspaceScanStats stats_;
};

}  // namespace ofe
