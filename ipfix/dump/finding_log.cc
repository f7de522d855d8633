#include "ipfix/dump/finding_log.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <utility>

namespace ipfix::dump {

void FindingLog::say(const std::string& line) {
  std::fprintf(stderr, "ipfix-dump: %s\n", line.c_str());
}

bool FindingLog::may_log(Allowance& allowance) const {
  const std::int64_t earned = std::min<std::int64_t>((now_ms_ - allowance.refilled_ms) / 1000, burst_lines);
  if (earned > 0) {
    allowance.lines = std::min(allowance.lines + static_cast<int>(earned), burst_lines);
    allowance.refilled_ms = now_ms_;
  }
  if (allowance.lines == 0) return false;
  --allowance.lines;
  return true;
}

void FindingLog::add(const FindingReport& report) {
  const Severity level = severity(report.finding);
  if (!is_for_the_log(report.finding)) return;
  if (level == Severity::malformed) met_malformed_ = true;
  Allowance& allowance = allowances_[static_cast<std::size_t>(report.finding)];
  if (!may_log(allowance)) {
    ++allowance.suppressed;
    return;
  }
  std::string line = source_.empty() ? std::string(report.exporter) : source_;
  line += ": octet " + std::to_string(report.message_offset + report.offset);
  line += ": " + std::string(to_string(report.finding));
  if (level == Severity::malformed) line += " (malformed)";
  if (level == Severity::loss) line += " (data lost)";
  if (report.amount > 1) line += ", " + std::to_string(report.amount);
  if (report.template_id > 0) {
    line +=
        ", template " + std::to_string(report.template_id) + " of domain " + std::to_string(report.observation_domain);
  }
  if (allowance.suppressed > 0) line += "; " + std::to_string(allowance.suppressed) + " more like this before";
  allowance.suppressed = 0;
  say(line);
}

void FindingLog::finish() {
  for (std::size_t i = 0; i < allowances_.size(); ++i) {
    if (allowances_[i].suppressed == 0) continue;
    say(std::to_string(allowances_[i].suppressed) + " more of " + std::string(to_string(static_cast<Finding>(i))));
    allowances_[i].suppressed = 0;
  }
}

}  // namespace ipfix::dump
