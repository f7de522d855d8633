// Readers and writers of one value, for the tables of settings.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>

#include "ovs-plugin/config/section.h"

namespace ofe::config {

constexpr std::int64_t kSecondMs = 1'000;
// So that flowExportFrequency (32 bits) × flowPollInterval cannot overflow.
constexpr std::int64_t kLongestMs = 7 * 24 * 3'600 * kSecondMs;

std::optional<bool> read_boolean(const YAML::Node& value, const Complain& complain);
// Decimal digits only: 0x10, 1e3 and 010 mean different things to different readers.
std::optional<std::uint64_t> read_number(const YAML::Node& value, std::uint64_t low, std::uint64_t high,
                                         const Complain& complain);
std::optional<std::int64_t> read_duration(const YAML::Node& value, std::int64_t low_ms, std::int64_t high_ms,
                                          const Complain& complain);
bool expect_scalar(const YAML::Node& value, std::string_view allowed, const Complain& complain);
bool expect_list(const YAML::Node& value, std::string_view allowed, const Complain& complain);

template <auto Member>
void boolean(const YAML::Node& value, Config& config, const Complain& complain) {
  if (const auto read = read_boolean(value, complain)) config.*Member = *read;
}

template <auto Member, std::uint64_t Low, std::uint64_t High>
void number(const YAML::Node& value, Config& config, const Complain& complain) {
  using Number = std::remove_reference_t<decltype(config.*Member)>;
  if (const auto read = read_number(value, Low, High, complain)) {
    if constexpr (std::is_integral_v<Number>) {
      static_assert(High <= std::numeric_limits<Number>::max());
      config.*Member = static_cast<Number>(*read);
    } else {
      config.*Member = static_cast<typename Number::value_type>(*read);
    }
  }
}

template <auto Member, std::int64_t LowMs, std::int64_t HighMs>
void duration(const YAML::Node& value, Config& config, const Complain& complain) {
  if (const auto read = read_duration(value, LowMs, HighMs, complain)) config.*Member = *read;
}

template <auto Member>
void write_plain(const Config& config, YAML::Emitter& out) {
  out << config.*Member;
}
template <auto Member>
void write_quoted(const Config& config, YAML::Emitter& out) {
  out << YAML::DoubleQuoted << config.*Member;
}
template <auto Member>
void write_duration(const Config& config, YAML::Emitter& out) {
  out << duration_text(config.*Member);
}

}  // namespace ofe::config
