// How long an answer will be, and what it will cost ovs-vswitchd, from the number of entries it lists.
#pragma once

#include <cstdint>

namespace ofe {

class AnswerForecast {
 public:
  // Before the first answer was seen.
  explicit AnswerForecast(double octets_per_entry) : octets_per_entry_(octets_per_entry) {}

  std::uint64_t octets(std::uint64_t entries) const {
    return static_cast<std::uint64_t>(octets_per_entry_ * static_cast<double>(entries));
  }
  std::int64_t cost_ms(std::uint64_t entries) const {
    return static_cast<std::int64_t>(ms_per_entry_ * static_cast<double>(entries));
  }
  double octets_per_entry() const { return octets_per_entry_; }
  double ms_per_entry() const { return ms_per_entry_; }

  // Of a whole answer. A handful of entries says little of what a hundred thousand will be like.
  void learn(std::uint64_t entries, std::uint64_t octets, std::int64_t cost_ms) {
    if (entries < fewest_entries) return;
    octets_per_entry_ = static_cast<double>(octets) / static_cast<double>(entries);
    ms_per_entry_ = static_cast<double>(cost_ms) / static_cast<double>(entries);
  }

 private:
  static constexpr std::uint64_t fewest_entries = 100;
  double octets_per_entry_;
  double ms_per_entry_ = 0;  // not known yet
};

}  // namespace ofe
