// Standard error: what was wrong with the input, rate-limited by kind, as hostile input would fill a disk.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "ipfix/collecting_session.h"

namespace ipfix::dump {

class FindingLog {
 public:
  // Most remarks are counted by the collecting process, not logged.
  void add(const FindingReport& report);
  // A line of ours, not limited.
  static void say(const std::string& line);

  // Refills each kind's allowance, one line a second.
  void set_time(std::int64_t now_ms) { now_ms_ = now_ms; }
  // Named in reports instead of the exporter; for datagrams read from files.
  void set_source(std::string source) { source_ = std::move(source); }
  // Tells how many lines were suppressed.
  void finish();

  bool met_malformed() const { return met_malformed_; }

 private:
  static constexpr int burst_lines = 20;
  struct Allowance {
    int lines = burst_lines;
    std::int64_t refilled_ms = 0;
    std::uint64_t suppressed = 0;
  };

  bool may_log(Allowance& allowance) const;

  std::array<Allowance, finding_count> allowances_{};
  std::string source_;
  std::int64_t now_ms_ = 0;
  bool met_malformed_ = false;
};

}  // namespace ipfix::dump
