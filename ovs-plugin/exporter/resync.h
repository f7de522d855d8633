// After events were lost: when to read everything again, and when everything is right again.
//
// A connection whose NEW was lost is in the next dump. One whose DESTROY was lost is missing from it, but a dump can
// miss entries (a table resize), so absence is believed only after a second one. Two polls that began after the loss
// make the store right.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

namespace ofe {

struct ResyncStats {
  std::uint64_t wanted = 0;  // losses that asked for one
  std::uint64_t completed = 0;
  bool under_way = false;
};

class Resync {
 public:
  // Resyncs begin at most once in min_interval_ms, however often events are lost.
  void lost(std::int64_t monotonic_ms, std::int64_t min_interval_ms) {
    ++stats_.wanted;
    if (!stats_.under_way) {
      due_ms_ = last_ms_ ? std::max(monotonic_ms, *last_ms_ + min_interval_ms) : monotonic_ms;
      last_ms_ = due_ms_;
    }
    stats_.under_way = true;
    polls_left_ = 2;
    poll_counts_ = false;
  }
  void poll_begins() { poll_counts_ = true; }
  // True when with this poll everything is right again.
  bool poll_completed() {
    if (!stats_.under_way || !poll_counts_ || --polls_left_ > 0) return false;
    stats_.under_way = false;
    ++stats_.completed;
    return true;
  }
  // When a poll is to begin out of its turn.
  std::optional<std::int64_t> due_ms() const { return stats_.under_way ? std::optional(due_ms_) : std::nullopt; }
  const ResyncStats& stats() const { return stats_; }

 private:
  std::optional<std::int64_t> last_ms_;
  std::int64_t due_ms_ = 0;
  int polls_left_ = 0;
  bool poll_counts_ = false;  // the present poll began after the loss
  ResyncStats stats_;
};

}  // namespace ofe
