#include "ipfix/value.h"

#include <bit>

#include "ipfix/message_format.h"

namespace ipfix {
namespace {

Instant ntp_instant(Octets octets, std::uint64_t units_per_second, int digits) {
  std::uint64_t seconds = big_endian(octets.first(4));
  const std::uint64_t fraction = big_endian(octets.subspan(4, 4));
  if (seconds < 0x8000'0000) seconds += std::uint64_t{1} << 32;
  // Rounded to the unit: exporters truncate when they encode, and microseconds leave out the lowest 11 bits.
  std::uint64_t units = (fraction * units_per_second + (std::uint64_t{1} << 31)) >> 32;
  seconds -= seconds_1900_to_1970;
  if (units == units_per_second) {
    units = 0;
    ++seconds;
  }
  return {seconds, static_cast<std::uint32_t>(units * (1'000'000'000 / units_per_second)), digits};
}

}  // namespace

bool legal_length(DataType type, std::size_t octets) {
  switch (type) {
    case DataType::octet_array:
    case DataType::string:
    case DataType::basic_list:
    case DataType::sub_template_list:
    case DataType::sub_template_multi_list:
      return octets < variable_length;
    case DataType::unsigned16:
    case DataType::unsigned32:
    case DataType::unsigned64:
    case DataType::unsigned256:
    case DataType::signed16:
    case DataType::signed32:
    case DataType::signed64:
      return octets >= 1 && octets <= natural_length(type);
    case DataType::float64:
      return octets == 4 || octets == 8;
    default:
      return octets == natural_length(type);
  }
}

bool legal_field_length(DataType type, std::uint16_t length) {
  return length == variable_length || legal_length(type, length);
}

bool is_list(DataType type) {
  return type == DataType::basic_list || type == DataType::sub_template_list ||
         type == DataType::sub_template_multi_list;
}

std::int64_t signed_value(Octets octets) {
  const std::uint64_t value = big_endian(octets);
  const unsigned unused_bits = 64 - 8 * static_cast<unsigned>(octets.size());
  return static_cast<std::int64_t>(value << unused_bits) >> unused_bits;
}

double float_value(Octets octets) {
  const std::uint64_t bits = big_endian(octets);
  if (octets.size() == 4) return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
  return std::bit_cast<double>(bits);
}

Instant instant_value(DataType type, Octets octets) {
  switch (type) {
    case DataType::date_time_milliseconds: {
      const std::uint64_t milliseconds = big_endian(octets);
      return {milliseconds / 1000, static_cast<std::uint32_t>(milliseconds % 1000) * 1'000'000, 3};
    }
    case DataType::date_time_microseconds:
      return ntp_instant(octets, 1'000'000, 6);
    case DataType::date_time_nanoseconds:
      return ntp_instant(octets, 1'000'000'000, 9);
    default:
      return {big_endian(octets), 0, 0};
  }
}

}  // namespace ipfix
