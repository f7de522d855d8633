#include "ovs-plugin/exporter/userspace_status.h"

#include <algorithm>
#include <cmath>

namespace ofe {
namespace {

Json vswitchd_json(const VswitchdStats& stats) {
  return {{"socket", stats.socket},       {"calls", stats.calls},         {"answers", stats.answers},
          {"refused", stats.refused},     {"broken", stats.broken},       {"timeouts", stats.timeouts},
          {"answerOctets", stats.octets}, {"lastError", stats.last_error}};
}

Json join_json(const correlate::MegaflowJoinStats& stats) {
  return {{"entryMegaflows", stats.entry_flows},
          {"untracked", stats.untracked},
          {"followed", stats.megaflows},
          {"pinned", stats.pinned},
          {"shared", stats.shared},
          {"leftOut", stats.left_out},
          {"counterRestarts", stats.counter_restarts},
          {"goneEarly", stats.gone_early},
          {"routes", stats.routes},
          {"masks", stats.masks},
          {"buckets", stats.buckets},
          {"memberships", stats.memberships},
          {"membershipsRefused", stats.memberships_refused},
          {"apportionedPackets", stats.apportioned.packets},
          {"apportionedOctets", stats.apportioned.octets},
          {"unmatchedPackets", stats.unmatched.packets},
          {"unmatchedOctets", stats.unmatched.octets}};
}

double two_decimals(double percent) {
  return std::round(percent * 100) / 100;
}

Json share_json(const UserspaceScan& scan, const State& state, flowstore::Now now) {
  const UserspaceScanStats& stats = scan.stats();
  const QuestionBudget& budget = scan.budget();
  return {{"limitPercent", state.settings.vswitchd_share_percent},
          {"lastMinutePercent", two_decimals(budget.last_minute_percent(now.monotonic_ms))},
          {"measuredPercent", two_decimals(budget.measured_percent(now.monotonic_ms))},
          {"questions", budget.questions()},
          {"lastQuestionMs", budget.last_cost_ms()},
          {"longestQuestionMs", stats.longest_question_ms},
          {"longestQuestion", stats.longest_question},
          {"nextQuestionInMs", std::max<std::int64_t>(0, budget.earliest_ms() - now.monotonic_ms)},
          {"pollIntervalMs", stats.poll_interval_ms},
          {"pollsDelayed", stats.polls_delayed},
          {"answerLimitOctets", state.settings.vswitchd_max_answer_octets},
          {"dumpsTooLong", stats.dumps_too_long},
          {"lastTooLong", stats.last_too_long},
          {"lastTooLongEntries", stats.last_too_long_entries},
          {"lastTooLongOctets", stats.last_too_long_octets}};
}

}  // namespace

Json userspace_json(const UserspaceScan& scan, const State& state, flowstore::Now now) {
  const correlate::DatapathCounterStats counters = state.counters.stats();
  return {{"vswitchd", vswitchd_json(scan.vswitchd())},
          {"share", share_json(scan, state, now)},
          {"conntrackLines", scan.conntrack_text().lines},
          {"conntrackLinesUnreadable", scan.conntrack_text().unreadable},
          {"lastUnreadableConntrackLine", scan.conntrack_text().last_unreadable},
          {"megaflowLines", scan.megaflows().lines},
          {"megaflowLinesUnreadable", scan.megaflows().unreadable},
          {"lastUnreadableMegaflowLine", scan.megaflows().last_unreadable},
          {"countedTuples", counters.tuples},
          {"countedTuplesRefusedFull", counters.refused_full},
          {"countedTuplesExpired", counters.expired},
          {"megaflowJoin", join_json(counters.join)}};
}

}  // namespace ofe
