#include "ovs-plugin/exporter/question_budget.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace ofe {
namespace {

constexpr std::int64_t start_ms = 1'000'000;

TEST(QuestionCost, IsTheTimeToTheFirstOctetAndAnEighthForSending) {
  EXPECT_EQ(question_cost_ms({1'000, 1'240, 1'900}), 240 + 30);
  EXPECT_EQ(question_cost_ms({1'000, 1'240, 1'250}), 240 + 10);  // read sooner than that
  EXPECT_EQ(question_cost_ms({1'000, 1'001, 1'001}), 1);
}

TEST(QuestionCost, IsAtLeastTheClocksUnit) {
  EXPECT_EQ(question_cost_ms({1'000, 1'000, 1'000}), 1);
  EXPECT_EQ(question_cost_ms({1'000, -1, 1'000}), 1);
}

TEST(QuestionCost, WithoutAnAnswerIsAllOfTheWait) {
  EXPECT_EQ(question_cost_ms({1'000, -1, 31'000}), 30'000);
}

TEST(QuestionBudget, TheFirstQuestionNeedNotWait) {
  const QuestionBudget budget(5);
  EXPECT_LT(budget.earliest_ms(), 0);
  EXPECT_EQ(budget.last_minute_percent(start_ms), 0.0);
  EXPECT_EQ(budget.measured_percent(start_ms), 0.0);
}

TEST(QuestionBudget, APauseMakesTheCostTheShareOfBoth) {
  QuestionBudget budget(5);
  budget.charge(start_ms, 750, start_ms + 750);
  // 750 ms are 5 % of 15 s; the allowance of 20 ms is 400 ms of that.
  EXPECT_EQ(budget.earliest_ms(), start_ms + 15'000 - 400);
  budget.charge(start_ms + 14'600, 750, start_ms + 15'350);
  EXPECT_EQ(budget.earliest_ms(), start_ms + 30'000 - 400);
  EXPECT_EQ(budget.questions(), 2u);
  EXPECT_EQ(budget.last_cost_ms(), 750);
}

TEST(QuestionBudget, SmallQuestionsShareTheAllowance) {
  QuestionBudget budget(5);
  std::int64_t now_ms = start_ms;
  for (int question = 0; question < 20; ++question) {
    EXPECT_LE(budget.earliest_ms(), now_ms) << question;
    budget.charge(now_ms, 1, now_ms + 1);
    ++now_ms;
  }
  for (int question = 0; budget.earliest_ms() <= now_ms; ++question) {
    ASSERT_LT(question, 10) << "the allowance has an end";
    budget.charge(now_ms, 1, now_ms + 1);
  }
}

TEST(QuestionBudget, WhatIsOwedIsPaidAtTheNewRate) {
  QuestionBudget budget(5);
  budget.charge(start_ms, 500, start_ms + 500);  // 10 s
  budget.set_share_percent(50, start_ms + 2'000);
  // 400 of the 500 ms are still owed: 800 ms at one half; the allowance is 40 ms.
  EXPECT_EQ(budget.earliest_ms(), start_ms + 2'800 - 40);
  EXPECT_EQ(budget.share_percent(), 50u);
  budget.set_share_percent(1, start_ms + 10'000);  // nothing is owed
  EXPECT_EQ(budget.earliest_ms(), start_ms + 10'000 - 2'000);
}

TEST(QuestionBudget, ALongQuestionWaitsForASixthOfTheShare) {
  QuestionBudget budget(5);
  EXPECT_LT(budget.earliest_ms(1'000), 0) << "the first one need not";
  budget.charge(start_ms, 250, start_ms + 250);
  budget.charge_stall(start_ms, 250);
  EXPECT_EQ(budget.earliest_ms(250), start_ms + 30'000) << "250 ms are 0.83 % of 30 s";
  EXPECT_EQ(budget.earliest_ms(QuestionBudget::stall_ms), start_ms + 5'000 - 400)
      << "a short one goes on with the whole share";
  EXPECT_EQ(budget.earliest_ms(), start_ms + 5'000 - 400);
  budget.charge_stall(start_ms + 30'000, QuestionBudget::stall_ms);
  EXPECT_EQ(budget.earliest_ms(250), start_ms + 30'000) << "it was none";
  budget.charge_stall(start_ms + 20'000, 100);
  EXPECT_EQ(budget.earliest_ms(250), start_ms + 42'000) << "what comes early is paid after the other";
}

TEST(QuestionBudget, WhatIsOwedForALongOneIsPaidAtTheNewRate) {
  QuestionBudget budget(5);
  budget.charge_stall(start_ms, 200);  // 24 s
  budget.set_share_percent(50, start_ms + 12'000);
  EXPECT_EQ(budget.earliest_ms(200), start_ms + 13'200) << "half of it was paid";
}

TEST(QuestionBudget, ShowsTheLastMinuteAndTheWholeTime) {
  QuestionBudget budget(5);
  budget.charge(start_ms, 600, start_ms + 600);
  EXPECT_DOUBLE_EQ(budget.measured_percent(start_ms + 12'000), 5.0);
  EXPECT_DOUBLE_EQ(budget.last_minute_percent(start_ms + 12'000), 5.0);
  EXPECT_DOUBLE_EQ(budget.last_minute_percent(start_ms + 59'000), 600 * 100.0 / 59'000);
  EXPECT_DOUBLE_EQ(budget.last_minute_percent(start_ms + 61'000), 0.0);
  budget.charge(start_ms + 61'000, 300, start_ms + 61'300);
  EXPECT_DOUBLE_EQ(budget.last_minute_percent(start_ms + 90'000), 0.5);
  EXPECT_DOUBLE_EQ(budget.measured_percent(start_ms + 90'000), 1.0);
}

struct Asked {
  std::int64_t at_ms, cost_ms;
};

// Whatever is asked whenever it is allowed: from any question to any later one the cost of those in between is the
// share of that time, and the allowance.
TEST(QuestionBudget, TheShareHoldsOverAnyTime) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    std::mt19937 random(seed);
    const unsigned percent = 1 + random() % 50;
    QuestionBudget budget(percent);
    std::int64_t now_ms = start_ms;
    std::vector<Asked> asked;
    for (int i = 0; i < 200; ++i) {
      const std::int64_t cost_ms = random() % 4 != 0 ? 1 + random() % 3 : 1 + random() % 2'000;
      now_ms = std::max(now_ms, budget.earliest_ms());
      if (random() % 3 == 0) now_ms += random() % 5'000;
      asked.push_back({now_ms, cost_ms});
      now_ms += cost_ms;
      budget.charge(asked.back().at_ms, cost_ms, now_ms);
    }
    for (std::size_t first = 0; first < asked.size(); ++first) {
      std::int64_t cost_ms = 0;
      for (std::size_t later = first + 1; later < asked.size(); ++later) {
        cost_ms += asked[later - 1].cost_ms;
        ASSERT_LE(cost_ms * 100,
                  (asked[later].at_ms - asked[first].at_ms + 1) * percent + QuestionBudget::allowance_ms * 100)
            << "seed " << seed << ", questions " << first << " to " << later;
      }
    }
  }
}

}  // namespace
}  // namespace ofe
