#include "ovs-plugin/exporter/answer_forecast.h"

#include <gtest/gtest.h>

namespace ofe {
namespace {

TEST(AnswerForecast, LearnsFromLongAnswersOnly) {
  AnswerForecast forecast(150);
  EXPECT_EQ(forecast.octets(1'000), 150'000u);
  EXPECT_EQ(forecast.cost_ms(1'000), 0);
  forecast.learn(99, 1'000'000, 1'000);
  EXPECT_EQ(forecast.octets(1'000), 150'000u);
  forecast.learn(100'000, 15'764'129, 240);
  EXPECT_EQ(forecast.octets(100'000), 15'764'129u);
  EXPECT_EQ(forecast.octets(1'000'000), 157'641'290u);
  EXPECT_EQ(forecast.cost_ms(1'000'000), 2'400);
}

}  // namespace
}  // namespace ofe
