// What a question with a short answer cost ovs-vswitchd, where it met a busy one.
#pragma once

#include <algorithm>
#include <cstdint>

#include "ovs-plugin/exporter/question_budget.h"

namespace ofe {

// question_cost_ms() takes the wait for ovs-vswitchd's loop for work. That is its bound for a dump; but a question of
// milliseconds that comes while ovs-vswitchd adds a thousand ports (1 to 17 s) would be followed by minutes of silence.
// What so many rules or ports can take is known: 1.3 to 1.7 µs of the main thread a rule were measured (20,000 rules,
// by /proc), and twenty are allowed for, with 5 ms for whatever does not depend on them.
inline std::int64_t bounded_cost_ms(const QuestionTimes& times, std::uint64_t entries) {
  constexpr std::int64_t fixed_ms = 5;
  constexpr std::uint64_t entries_per_ms = 50;
  return std::min(question_cost_ms(times), fixed_ms + static_cast<std::int64_t>(entries / entries_per_ms));
}

}  // namespace ofe
