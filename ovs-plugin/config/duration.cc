// Durations as Go writes them (time.ParseDuration): the agent's configuration is read by a Go program.
#include <array>
#include <limits>
#include <utility>

#include "ovs-plugin/config/config.h"

namespace ofe::config {
namespace {

using Nanoseconds = unsigned __int128;

// Longest first where one begins another. µ has two code points: U+00B5 and U+03BC.
constexpr std::array<std::pair<std::string_view, std::uint64_t>, 8> kUnits = {{
    {"ns", 1},
    {"us", 1'000},
    {"\u00b5s", 1'000},
    {"\u03bcs", 1'000},
    {"ms", 1'000'000},
    {"s", 1'000'000'000},
    {"m", 60'000'000'000},
    {"h", 3'600'000'000'000},
}};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Digits off the front of text. Beyond 18 of them a whole part is out of range and a fraction too small to matter.
struct Digits {
  std::uint64_t value = 0;
  std::uint64_t scale = 1;  // 10 to the number of digits in value
  std::size_t count = 0;
};
Digits take_digits(std::string_view& text) {
  Digits digits;
  for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1), ++digits.count) {
    if (digits.count < 18) {
      digits.value = digits.value * 10 + static_cast<std::uint64_t>(text.front() - '0');
      digits.scale *= 10;
    }
  }
  return digits;
}

// One "1.5h" off the front.
std::optional<Nanoseconds> take_term(std::string_view& text) {
  const Digits whole = take_digits(text);
  Digits fraction;
  if (!text.empty() && text.front() == '.') {
    text.remove_prefix(1);
    fraction = take_digits(text);
  }
  if (whole.count + fraction.count == 0 || whole.count > 18) return std::nullopt;
  for (const auto& [name, unit] : kUnits) {
    // "m" must not swallow the m of "ms".
    if (!text.starts_with(name) || (name == "m" && text.starts_with("ms"))) continue;
    text.remove_prefix(name.size());
    return Nanoseconds{whole.value} * unit + Nanoseconds{fraction.value} * unit / fraction.scale;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::int64_t> parse_duration_ms(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text == "0") return 0;
  if (text.empty()) return std::nullopt;
  Nanoseconds total = 0;
  while (!text.empty()) {
    const std::optional<Nanoseconds> term = take_term(text);
    if (!term) return std::nullopt;
    total += *term;
    if (total > static_cast<Nanoseconds>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;  // as in Go
  }
  constexpr std::int64_t kPerMs = 1'000'000;
  const auto ns = static_cast<std::int64_t>(total);
  return negative ? -((ns + (kPerMs - 1)) / kPerMs) : ns / kPerMs;
}

std::string duration_text(std::int64_t ms) {
  if (ms == 0) return "0s";
  std::string text = ms < 0 ? "-" : "";
  auto rest = ms < 0 ? -static_cast<std::uint64_t>(ms) : static_cast<std::uint64_t>(ms);
  constexpr std::array<std::pair<std::uint64_t, std::string_view>, 4> kParts = {
      {{3'600'000, "h"}, {60'000, "m"}, {1'000, "s"}, {1, "ms"}}};
  for (const auto& [unit, name] : kParts) {
    if (rest >= unit) text.append(std::to_string(rest / unit)).append(name);
    rest %= unit;
  }
  return text;
}

}  // namespace ofe::config
