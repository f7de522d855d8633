#include "ovs-plugin/exporter/question_budget.h"

#include <algorithm>

namespace ofe {

std::int64_t question_cost_ms(const QuestionTimes& times) {
  if (times.first_octet_ms < 0) return std::max<std::int64_t>(1, times.ended_ms - times.asked_ms);
  const std::int64_t making = std::max<std::int64_t>(1, times.first_octet_ms - times.asked_ms);
  const std::int64_t reading = times.ended_ms - times.first_octet_ms;
  return making + std::min(reading, (making + 7) / 8);
}

std::int64_t QuestionBudget::paid_in_ms(std::int64_t cost_ms) const {
  return (cost_ms * 100 + share_percent_ - 1) / share_percent_;
}

void QuestionBudget::set_share_percent(unsigned percent, std::int64_t now_ms) {
  if (percent == share_percent_) return;
  const auto owed_ms = [&](std::int64_t paid_at_ms) {
    return (std::max<std::int64_t>(0, paid_at_ms - now_ms) * share_percent_ + 99) / 100;
  };
  const std::int64_t owed = owed_ms(paid_at_ms_), owed_for_stalls = owed_ms(stalls_paid_at_ms_);
  share_percent_ = percent;
  paid_at_ms_ = now_ms + paid_in_ms(owed);
  stalls_paid_at_ms_ = now_ms + paid_in_ms(owed_for_stalls);
}

std::int64_t QuestionBudget::earliest_ms() const {
  return paid_at_ms_ - allowance_ms * 100 / share_percent_;
}

std::int64_t QuestionBudget::earliest_ms(std::int64_t expected_cost_ms) const {
  return expected_cost_ms > stall_ms ? std::max(earliest_ms(), stalls_paid_at_ms_) : earliest_ms();
}

void QuestionBudget::charge_stall(std::int64_t asked_ms, std::int64_t cost_ms) {
  if (cost_ms <= stall_ms) return;
  stalls_paid_at_ms_ = std::max(stalls_paid_at_ms_, asked_ms) + paid_in_ms(cost_ms * stall_divisor);
}

void QuestionBudget::charge(std::int64_t asked_ms, std::int64_t cost_ms, std::int64_t now_ms) {
  if (questions_++ == 0) first_asked_ms_ = asked_ms;
  paid_at_ms_ = std::max(paid_at_ms_, asked_ms) + paid_in_ms(cost_ms);
  last_cost_ms_ = cost_ms;
  total_cost_ms_ += cost_ms;
  const std::int64_t number = now_ms / 1'000;
  Second& second = seconds_[static_cast<std::size_t>(number % window_s)];
  if (second.number != number) second = {number, 0};
  second.cost_ms += cost_ms;
}

double QuestionBudget::last_minute_percent(std::int64_t now_ms) const {
  const std::int64_t number = now_ms / 1'000;
  std::int64_t cost_ms = 0;
  for (const Second& second : seconds_) {
    if (second.number >= 0 && second.number > number - window_s) cost_ms += second.cost_ms;
  }
  const std::int64_t since_ms = std::min(window_s * 1'000, now_ms - first_asked_ms_);
  return questions_ == 0 || since_ms <= 0 ? 0.0 : 100.0 * static_cast<double>(cost_ms) / static_cast<double>(since_ms);
}

double QuestionBudget::measured_percent(std::int64_t now_ms) const {
  const std::int64_t since_ms = now_ms - first_asked_ms_;
  if (questions_ == 0 || since_ms <= 0) return 0.0;
  return 100.0 * static_cast<double>(total_cost_ms_) / static_cast<double>(since_ms);
}

}  // namespace ofe
