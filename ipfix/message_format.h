// What writing and reading share of RFC 7011 section 3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace ipfix {

inline constexpr std::uint16_t ipfix_version = 10;
inline constexpr std::size_t message_length_at = 2;  // in the message's header
inline constexpr std::size_t set_length_at = 2;      // in the set's
inline constexpr std::size_t message_header_octets = 16;
inline constexpr std::size_t longest_message_octets = 65535;  // what the header's length field can say
inline constexpr std::size_t set_header_octets = 4;
inline constexpr std::uint16_t template_set_id = 2;
inline constexpr std::uint16_t options_template_set_id = 3;
inline constexpr std::uint16_t first_data_set_id = 256;
inline constexpr std::uint16_t enterprise_bit = 0x8000;  // of an element's id
inline constexpr std::uint64_t seconds_1900_to_1970 = 2'208'988'800;  // NTP's era began then (sections 6.1.9, 6.1.10)

// In network order.
inline void put16(std::span<std::uint8_t> octets, std::size_t at, std::size_t v) {
  octets[at] = static_cast<std::uint8_t>(v >> 8);
  octets[at + 1] = static_cast<std::uint8_t>(v);
}

}  // namespace ipfix
