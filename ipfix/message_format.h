// The numbers of RFC 7011 section 3 that writing and reading share.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ipfix {

inline constexpr std::uint16_t ipfix_version = 10;
inline constexpr std::size_t message_header_octets = 16;
inline constexpr std::size_t longest_message_octets = 65535;  // what the header's length field can say
inline constexpr std::size_t set_header_octets = 4;
inline constexpr std::uint16_t template_set_id = 2;
inline constexpr std::uint16_t options_template_set_id = 3;
inline constexpr std::uint16_t first_data_set_id = 256;
inline constexpr std::uint16_t enterprise_bit = 0x8000;  // of an element's id

}  // namespace ipfix
