// One reading of a bridge's OpenFlow rules and groups: how many rules there are, then all of them at once where they
// are few, else table by table, then the groups. Each question waits until ovs-vswitchd's time allows it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ovs-plugin/exporter/question_budget.h"
#include "ovs-plugin/exporter/state.h"
#include "ovs-plugin/ovs/openflow.h"
#include "ovs-plugin/zones/rule_facts.h"

namespace ofe {

class RulesReading {
 public:
  // The budget must outlive it.
  RulesReading(const State& state, QuestionBudget& budget, std::string socket_path, flowstore::Now now);

  enum class Progress : std::uint8_t { more, waiting, done, failed };
  Progress step(flowstore::Now now);
  void wait() const;

  const zones::RuleFacts& facts() const { return facts_; }
  const std::string& error() const { return error_; }
  // Everything that is there was read and understood.
  bool complete() const { return undecodable() == 0 && tables_too_long_ == 0 && facts_.writes_dropped() == 0; }
  std::uint64_t rules() const { return openflow_ ? ofe_ovs_openflow_rules(openflow_.get()) : 0; }
  std::uint64_t undecodable() const { return openflow_ ? ofe_ovs_openflow_undecodable(openflow_.get()) : 0; }
  // Not asked for, as the answer would be longer than vswitchdMaxAnswerOctets.
  std::uint64_t tables_too_long() const { return tables_too_long_; }
  std::int64_t cost_ms() const { return cost_ms_; }  // of ovs-vswitchd's time, at the most
  std::int64_t began_ms() const { return began_ms_; }

 private:
  struct Table {
    std::uint8_t number = 0;
    std::uint32_t rules = 0;
  };
  void note_table(std::uint8_t table, std::uint32_t rules);
  Progress ask(flowstore::Now now);
  Progress answered();
  void charge(flowstore::Now now);
  Progress fail(std::string why);

  struct Close {
    void operator()(ofe_ovs_openflow* openflow) const { ofe_ovs_openflow_close(openflow); }
  };
  const State& state_;
  QuestionBudget& budget_;
  std::unique_ptr<ofe_ovs_openflow, Close> openflow_;
  ofe_ovs_openflow_visitor visitor_{};
  zones::RuleFacts facts_;
  std::vector<Table> tables_;  // still to be read; the last one next
  std::uint64_t rules_announced_ = 0;
  std::uint64_t rules_asked_for_ = 0;  // by the question under way, as its table announced them
  std::uint64_t rules_before_ = 0;     // read before it
  std::uint64_t tables_too_long_ = 0;
  ofe_ovs_openflow_question question_ = OFE_OVS_OPENFLOW_TABLES;
  std::uint8_t table_ = 0;
  bool due_ = true;  // the question is to be asked when the budget allows it
  bool sent_ = false;
  QuestionTimes times_;
  std::int64_t last_octet_ms_ = 0;
  std::uint64_t messages_ = 0;
  std::int64_t cost_ms_ = 0;
  std::int64_t began_ms_ = 0;
  std::string error_;
};

}  // namespace ofe
