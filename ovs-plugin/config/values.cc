#include "ovs-plugin/config/values.h"

#include <algorithm>
#include <charconv>

namespace ofe::config {

bool expect_scalar(const YAML::Node& value, std::string_view allowed, const Complain& complain) {
  if (value.IsScalar()) return true;
  complain(value, "is not a single value", allowed);
  return false;
}

bool expect_list(const YAML::Node& value, std::string_view allowed, const Complain& complain) {
  if (value.IsSequence()) return true;
  complain(value, "is not a list", allowed);
  return false;
}

std::optional<bool> read_boolean(const YAML::Node& value, const Complain& complain) {
  bool read = false;
  if (value.IsScalar() && YAML::convert<bool>::decode(value, read)) return read;
  complain(value, "is neither true nor false", "true, false");
  return std::nullopt;
}

std::optional<std::uint64_t> read_number(const YAML::Node& value, std::uint64_t low, std::uint64_t high,
                                         const Complain& complain) {
  const std::string allowed = "whole numbers from " + std::to_string(low) + " to " + std::to_string(high);
  if (!expect_scalar(value, allowed, complain)) return std::nullopt;
  const std::string& text = value.Scalar();
  const bool is_digits = !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  if (!is_digits || (text.size() > 1 && text.front() == '0')) {
    complain(value, "is not a whole decimal number", allowed);
    return std::nullopt;
  }
  std::uint64_t read = 0;
  const auto status = std::from_chars(text.data(), text.data() + text.size(), read).ec;
  if (status != std::errc() || read < low || read > high) {
    complain(value, "is out of range", allowed);
    return std::nullopt;
  }
  return read;
}

std::optional<std::int64_t> read_duration(const YAML::Node& value, std::int64_t low_ms, std::int64_t high_ms,
                                          const Complain& complain) {
  const std::string allowed = "durations from " + duration_text(low_ms) + " to " + duration_text(high_ms) +
                              ", such as 5s, 300ms or 1m30s (units ns us ms s m h)";
  if (!expect_scalar(value, allowed, complain)) return std::nullopt;
  const std::optional<std::int64_t> read = parse_duration_ms(value.Scalar());
  if (!read) {
    complain(value, "is not a duration", allowed);
    return std::nullopt;
  }
  if (*read < low_ms || *read > high_ms) {
    complain(value, *read < low_ms ? "is too short" : "is too long", allowed);
    return std::nullopt;
  }
  return read;
}

}  // namespace ofe::config
