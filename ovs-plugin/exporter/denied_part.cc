#include "ovs-plugin/exporter/denied_part.h"

#include <algorithm>

#include "ovs-plugin/ovs/ovs.h"

namespace ofe {
namespace {

constexpr std::size_t longest_answer = 256u << 10;
constexpr std::int64_t ask_interval_ms = 1'000 / DeniedPart::traces_per_second;
constexpr std::int64_t ask_after_failure_ms = 5'000;
constexpr unsigned short_traces_per_ms = 4;

}  // namespace

DeniedPart::DeniedPart(State& state, const OvsdbPart& ovsdb, QuestionBudget& budget)
    : state_(state), ovsdb_(ovsdb), budget_(budget), client_(ofe_ovs_rundir()) {}

bool DeniedPart::wanted() const {
  return state_.settings.denied_flows != config::DeniedFlows::off;
}

void DeniedPart::stop() {
  if (question_) {
    client_.abandon();
    budget_.end_question();
    question_.reset();
  }
  if (state_.denied.size() == 0 && state_.denied.dumps_ended() == 0) return;
  state_.denied.clear([this](denied::Drop& drop) { state_.names.release(drop.names); });
}

void DeniedPart::run(flowstore::Now now) {
  if (!wanted()) return stop();
  if (question_) read(now);
  if (!question_) ask(now);
  if (state_.denied.dumps_ended() == dumps_seen_) return;
  dumps_seen_ = state_.denied.dumps_ended();
  take_netflow(now);
}

void DeniedPart::ask(flowstore::Now now) {
  if (state_.denied.questions() == 0 || !ovsdb_.bridge().found || budget_.question_under_way()) return;
  if (now.monotonic_ms < std::max(next_ask_ms_, budget_.earliest_ms())) return;
  question_ = state_.denied.next_question();
  if (!question_) return;
  // Up to a second's worth may follow one another at once.
  next_ask_ms_ = std::max(next_ask_ms_, now.monotonic_ms - 1'000) + ask_interval_ms;
  const bool userspace = ovsdb_.bridge().userspace();
  // Over unixctl dpctl/get-flow takes two words and no more (lib/dpctl.c, all_commands): without -m it leaves out what
  // is not matched, which a trace does without.
  const bool asked = question_->flow.empty()
                         ? call({"dpctl/get-flow", userspace ? "netdev@ovs-netdev" : "system@ovs-system",
                                 "ufid:" + datapath::ufid_text(question_->ufid)},
                                now)
                         : call({"ofproto/trace", userspace ? "ovs-netdev" : "ovs-system", question_->flow}, now);
  if (!asked) give_up(now);
}

bool DeniedPart::call(const std::vector<std::string>& words, flowstore::Now now) {
  answer_.clear();
  if (!client_.call(words, now)) return false;
  budget_.begin_question();
  return true;
}

// Of a question that could not be asked or was not answered.
void DeniedPart::give_up(flowstore::Now now) {
  stats_.last_problem = client_.stats().last_error;
  state_.denied.answer(question_->ufid, {}, now);
  question_.reset();
  if (client_.refused()) {
    ++stats_.traces_refused;
    return;
  }
  ++stats_.traces_failed;
  next_ask_ms_ = now.monotonic_ms + ask_after_failure_ms;
}

// Takes the flow's text from the answer of dpctl/get-flow.
bool DeniedPart::describe() {
  datapath::Megaflow flow;
  std::string error;
  if (!datapath::parse_megaflow(answer_, flow, error)) {
    ++stats_.unreadable;
    stats_.last_problem = "dpctl/get-flow: " + error;
    return false;
  }
  question_->flow = denied::flow_to_trace(flow.keys);
  return !question_->flow.empty();
}

void DeniedPart::read(flowstore::Now now) {
  const VswitchdClient::Progress progress = client_.run(now);
  const std::string_view lines = client_.lines();
  answer_.append(lines.substr(0, longest_answer - std::min(answer_.size(), longest_answer)));
  if (progress == VswitchdClient::Progress::pending) return;
  budget_.end_question();
  charge(now);
  if (progress != VswitchdClient::Progress::answered) return give_up(now);
  if (!question_->flow.empty()) {
    judge(now);
  } else if (describe()) {
    state_.denied.describe(question_->ufid, question_->flow);  // and it is asked about first, at its next turn
  } else {
    state_.denied.answer(question_->ufid, {}, now);
  }
  question_.reset();
}

// The budget's unit is a millisecond, and a question costs at least one. Those that were answered within less, as far
// as our clock can tell, cost one together.
void DeniedPart::charge(flowstore::Now now) {
  const QuestionTimes& times = client_.times();
  const bool short_one = times.first_octet_ms - times.asked_ms <= 1 && times.ended_ms - times.asked_ms <= 1;
  if (short_one && ++uncharged_ < short_traces_per_ms) return;
  if (short_one) uncharged_ = 0;
  budget_.charge(times.asked_ms, question_cost_ms(times), now.monotonic_ms);
}

void DeniedPart::judge(flowstore::Now now) {
  denied::Trace trace;
  ++stats_.traces;
  if (!denied::parse_trace(answer_, trace)) {
    ++stats_.unreadable;
    stats_.last_problem = "ofproto/trace: no answer that ends with datapath actions";
  }
  state_.denied.answer(question_->ufid, denied::classify(trace), now);
}

void DeniedPart::take_netflow(flowstore::Now now) {
  state_.denied.take_netflow(
      [&](const flowstore::Tuple& tuple) -> std::optional<denied::Table::Counted> {
        const auto counted = state_.counters.take_dropped(tuple, now);
        if (!counted) return std::nullopt;
        return denied::Table::Counted{counted->packets, counted->octets};
      },
      now);
}

void DeniedPart::wait(flowstore::Now) {
  if (question_) return client_.wait();
  if (!wanted() || state_.denied.questions() == 0 || !ovsdb_.bridge().found || budget_.question_under_way()) return;
  ofe_ovs_poll_timer_wait_until(std::max(next_ask_ms_, budget_.earliest_ms()));
}

}  // namespace ofe
