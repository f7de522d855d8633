// When to try a collector again: a wait that doubles with each failure, and starts over after a session that lived.
// RFC 7011 section 10.4.4 asks for a configurable schedule and suggests one attempt a minute: a quick first attempt
// covers the usual restart of a collector, and the doubling ends at the suggested rate.
#pragma once

#include <algorithm>
#include <cstdint>

namespace ipfix {

class ReconnectSchedule {
 public:
  ReconnectSchedule(std::int64_t initial_ms, std::int64_t max_ms)
      : initial_ms_(std::max<std::int64_t>(initial_ms, 1)),
        max_ms_(std::max(initial_ms_, max_ms)),
        wait_ms_(initial_ms_) {}

  // An attempt failed, or a session ended after living for so long (0 for an attempt). Returns when to try next.
  std::int64_t next_attempt_ms(std::int64_t now_ms, std::int64_t lived_ms) {
    // A collector that accepts and hangs up at once is no better than one that refuses.
    if (lived_ms >= initial_ms_) wait_ms_ = initial_ms_;
    const std::int64_t attempt_ms = now_ms + wait_ms_;
    wait_ms_ = std::min(wait_ms_ * 2, max_ms_);
    return attempt_ms;
  }

 private:
  std::int64_t initial_ms_;
  std::int64_t max_ms_;
  std::int64_t wait_ms_;
};

}  // namespace ipfix
