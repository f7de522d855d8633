// Expectations on a parsed configuration.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "ovs-plugin/config/config.h"

namespace ofe::config {

// The settings; a test failure with the errors when there are none.
inline Config accept(const std::string& yaml) {
  const ParseResult result = parse(yaml, "a.conf");
  EXPECT_TRUE(result.settings.has_value()) << yaml << ::testing::PrintToString(result.errors);
  EXPECT_TRUE(result.errors.empty());
  return result.settings.value_or(Config{});
}

inline std::vector<std::string> errors_of(const std::string& yaml) {
  const ParseResult result = parse(yaml, "a.conf");
  EXPECT_FALSE(result.settings.has_value() && !result.errors.empty());
  EXPECT_TRUE(result.settings.has_value() || !result.errors.empty()) << "refused without a word";
  return result.errors;
}

}  // namespace ofe::config
