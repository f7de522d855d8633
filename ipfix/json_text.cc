#include "ipfix/json_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdio>

#include "ipfix/utf8.h"

namespace ipfix {
namespace {

constexpr char hex_digits[] = "0123456789abcdef";

void append_escape(std::string& out, std::uint32_t code_point) {
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += hex_digits[code_point >> shift & 0xf];
}

// Markup too: the line may end up in a page.
bool must_escape(std::uint32_t code_point) {
  if (code_point == '<' || code_point == '>' || code_point == '&') return true;
  return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0) || code_point == 0x2028 || code_point == 0x2029;
}

bool stands_for_itself(char c) {
  return c >= 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

template <typename Float>
void append_float(std::string& out, Float value) {
  if (std::isnan(value)) {
    out += "\"NaN\"";
  } else if (std::isinf(value)) {
    out += value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
  } else {
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    out.append(digits.data(), end);
  }
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (true) {
    // Nearly all text is a run of characters that stand for themselves.
    const auto* const plain_end = std::find_if_not(text.begin(), text.end(), stands_for_itself);
    const auto plain = static_cast<std::size_t>(plain_end - text.begin());
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    std::size_t length = 0;
    const std::uint32_t code_point = decode_utf8(text, length);
    if (code_point == ill_formed) {
      out += "\xef\xbf\xbd";
    } else if (code_point == '"' || code_point == '\\') {
      out += '\\';
      out += text[0];
    } else if (must_escape(code_point)) {
      append_escape(out, code_point);
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  out += '"';
}

void append_json_hex(std::string& out, Octets octets) {
  out += '"';
  for (const std::uint8_t octet : octets) {
    out += hex_digits[octet >> 4];
    out += hex_digits[octet & 0xf];
  }
  out += '"';
}

void append_json_number(std::string& out, double value) {
  append_float(out, value);
}
void append_json_number(std::string& out, float value) {
  append_float(out, value);
}

void append_json_instant(std::string& out, const Instant& instant) {
  constexpr std::uint64_t year_10000 = 253'402'300'800;
  if (instant.seconds >= year_10000) {
    out += std::to_string(instant.seconds);
    return;
  }
  using namespace std::chrono;
  const sys_seconds time{seconds{instant.seconds}};
  const sys_days midnight = floor<days>(time);
  const year_month_day date{midnight};
  const hh_mm_ss clock{time - midnight};
  std::array<char, 48> text{};
  int length = std::snprintf(text.data(), text.size(), "\"%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                             static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                             static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                             static_cast<int>(clock.seconds().count()));
  out.append(text.data(), static_cast<std::size_t>(length));
  if (instant.fraction_digits > 0) {
    length = std::snprintf(text.data(), text.size(), "%09u", instant.nanoseconds);
    out += '.';
    out.append(text.data(), static_cast<std::size_t>(instant.fraction_digits));
  }
  out += "Z\"";
}

}  // namespace ipfix
