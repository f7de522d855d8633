// UTF-8 as RFC 3629 has it: what a string element may hold (RFC 7011 section 6.1.6).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ipfix {

inline constexpr std::uint32_t ill_formed = UINT32_MAX;

// The code point at the start of text, and the octets it takes; ill_formed with the length of the maximal subpart that
// one U+FFFD replaces (Unicode section 3.9).
inline std::uint32_t decode_utf8(std::string_view text, std::size_t& length) {
  const auto octet = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = octet(0);
  length = 1;
  if (first < 0x80) return first;
  if (first < 0xc2 || first > 0xf4) return ill_formed;
  const std::size_t want = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  // The second octet's range keeps out overlong forms, surrogates and what is beyond U+10FFFF.
  std::uint8_t low = 0x80;
  std::uint8_t high = 0xbf;
  if (first == 0xe0) low = 0xa0;
  if (first == 0xed) high = 0x9f;
  if (first == 0xf0) low = 0x90;
  if (first == 0xf4) high = 0x8f;
  std::uint32_t code_point = first & (0xffU >> (want + 1));
  for (; length < want; ++length) {
    if (length == text.size() || octet(length) < low || octet(length) > high) return ill_formed;
    code_point = code_point << 6 | (octet(length) & 0x3fU);
    low = 0x80;
    high = 0xbf;
  }
  return code_point;
}

inline bool is_ascii(std::string_view text) {
  unsigned char all = 0;
  for (const char c : text) all |= static_cast<unsigned char>(c);
  return all < 0x80;
}

}  // namespace ipfix
