#include "ovs-plugin/exporter/rules_reading.h"

#include <algorithm>
#include <utility>

#include "ovs-plugin/exporter/bounded_cost.h"

namespace ofe {
namespace {

constexpr unsigned messages_per_step = 4;       // of at most 64 KiB: about two milliseconds to take in
constexpr std::uint64_t read_at_once = 2'000;   // rules; ovs-vswitchd's main thread makes them in a few milliseconds
constexpr std::uint64_t octets_per_rule = 250;  // in an answer, with a few matches and actions
constexpr std::int64_t silence_ms = 30'000;

zones::Rule rule_of(const ofe_ovs_rule& seen) {
  zones::Rule rule;
  rule.name = {seen.group, seen.group_id, seen.table, seen.cookie};
  rule.eth_type = seen.eth_type;
  for (std::size_t i = 0; i < seen.n_cts; ++i) {
    const ofe_ovs_rule_ct& ct = seen.cts[i];
    zones::CtAction action;
    action.commit = ct.commit;
    if (ct.zone >= 0) {
      action.zone = static_cast<std::uint16_t>(ct.zone);
    } else {
      action.field = {ct.space, ct.position, ct.field, ct.writable};
    }
    rule.cts.push_back(std::move(action));
  }
  for (std::size_t i = 0; i < seen.n_writes; ++i) {
    const ofe_ovs_rule_write& write = seen.writes[i];
    rule.writes.push_back(
        {write.space, write.word, write.mask, write.value, write.from == nullptr ? "" : std::string(write.from)});
  }
  return rule;
}

}  // namespace

RulesReading::RulesReading(const State& state, QuestionBudget& budget, std::string socket_path, flowstore::Now now)
    : state_(state), budget_(budget), began_ms_(now.monotonic_ms) {
  ofe_ovs_openflow* openflow = nullptr;
  if (const int error = ofe_ovs_openflow_open(socket_path.c_str(), &openflow)) {
    error_ = socket_path + ": " + ofe_ovs_strerror(error);
  }
  openflow_.reset(openflow);
  visitor_.context = this;
  visitor_.table = [](std::uint8_t table, std::uint32_t rules, void* context) {
    static_cast<RulesReading*>(context)->note_table(table, rules);
  };
  visitor_.rule = [](const ofe_ovs_rule* rule, void* context) {
    static_cast<RulesReading*>(context)->facts_.add(rule_of(*rule));
  };
}

void RulesReading::note_table(std::uint8_t table, std::uint32_t rules) {
  if (rules == 0) return;
  rules_announced_ += rules;
  if (std::uint64_t{rules} * octets_per_rule > state_.settings.vswitchd_max_answer_octets) {
    ++tables_too_long_;
  } else {
    tables_.push_back({table, rules});
  }
}

RulesReading::Progress RulesReading::ask(flowstore::Now now) {
  if (now.monotonic_ms < budget_.earliest_ms()) return Progress::waiting;
  ofe_ovs_openflow_ask(openflow_.get(), question_, table_);
  due_ = sent_ = false;
  rules_before_ = rules();
  times_ = {now.monotonic_ms, -1, now.monotonic_ms};
  last_octet_ms_ = now.monotonic_ms;
  messages_ = 0;
  return Progress::more;
}

RulesReading::Progress RulesReading::step(flowstore::Now now) {
  if (!openflow_) return Progress::failed;
  if (due_) return ask(now);
  const ofe_ovs_openflow_progress progress = ofe_ovs_openflow_run(openflow_.get(), messages_per_step, &visitor_);
  if (!sent_ && ofe_ovs_openflow_asked(openflow_.get())) {
    sent_ = true;
    times_.asked_ms = now.monotonic_ms;  // the first question waits for the connection
  }
  const std::uint64_t messages = ofe_ovs_openflow_messages(openflow_.get());
  if (messages != messages_) last_octet_ms_ = now.monotonic_ms;
  if (messages_ == 0 && messages != 0) times_.first_octet_ms = now.monotonic_ms;
  messages_ = messages;
  switch (progress) {
    case OFE_OVS_OPENFLOW_MORE:
      return Progress::more;
    case OFE_OVS_OPENFLOW_ANSWERED:
      charge(now);
      return answered();
    case OFE_OVS_OPENFLOW_FAILED:
      charge(now);
      return fail(ofe_ovs_openflow_error(openflow_.get()));
    case OFE_OVS_OPENFLOW_WAITING:
      break;
  }
  if (now.monotonic_ms - last_octet_ms_ < silence_ms) return Progress::waiting;
  charge(now);
  return fail("no answer for " + std::to_string(silence_ms / 1'000) + " s");
}

void RulesReading::charge(flowstore::Now now) {
  if (!ofe_ovs_openflow_asked(openflow_.get())) return;
  times_.ended_ms = now.monotonic_ms;
  // Whether the answer came or not: as many rules as it had, or would have had.
  const std::uint64_t asked_for = question_ == OFE_OVS_OPENFLOW_RULES ? rules_asked_for_ : 0;
  const std::int64_t cost_ms = bounded_cost_ms(times_, std::max(asked_for, rules() - rules_before_));
  budget_.charge(times_.asked_ms, cost_ms, now.monotonic_ms);
  cost_ms_ += cost_ms;
}

RulesReading::Progress RulesReading::fail(std::string why) {
  error_ = std::move(why);
  return Progress::failed;
}

// What comes after the question that was answered.
RulesReading::Progress RulesReading::answered() {
  if (question_ == OFE_OVS_OPENFLOW_GROUPS) return Progress::done;
  const bool all_at_once =
      question_ == OFE_OVS_OPENFLOW_TABLES && rules_announced_ <= read_at_once && tables_too_long_ == 0;
  due_ = true;
  if (tables_.empty() || (question_ == OFE_OVS_OPENFLOW_RULES && table_ == OFE_OVS_ALL_TABLES)) {
    question_ = OFE_OVS_OPENFLOW_GROUPS;
  } else {
    question_ = OFE_OVS_OPENFLOW_RULES;
    table_ = all_at_once ? std::uint8_t{OFE_OVS_ALL_TABLES} : tables_.back().number;
    rules_asked_for_ = all_at_once ? rules_announced_ : tables_.back().rules;
    if (!all_at_once) tables_.pop_back();
  }
  return Progress::more;
}

void RulesReading::wait() const {
  if (!openflow_) return;
  if (due_) return ofe_ovs_poll_timer_wait_until(budget_.earliest_ms());
  ofe_ovs_openflow_wait(openflow_.get());
  ofe_ovs_poll_timer_wait_until(last_octet_ms_ + silence_ms);
}

}  // namespace ofe
