// Waiting times between attempts: doubling up to a limit, with jitter so that the Nodes of a cluster do not come back
// to a recovering API server all at once. The seed makes a test repeatable.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>

namespace ofe::watcher {

class Backoff {
 public:
  Backoff(std::int64_t initial_ms, std::int64_t max_ms, std::uint64_t seed)
      : initial_ms_(initial_ms), max_ms_(max_ms), step_ms_(initial_ms), random_(seed) {}

  // Between half of the present step and all of it.
  std::int64_t next_ms() {
    const std::int64_t step = step_ms_;
    step_ms_ = std::min(max_ms_, step_ms_ * 2);
    return between(step / 2, step);
  }
  void reset() { step_ms_ = initial_ms_; }
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
  }

 private:
  std::int64_t initial_ms_, max_ms_, step_ms_;
  std::mt19937_64 random_;
};

}  // namespace ofe::watcher
