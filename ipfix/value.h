// What the octets of one value mean, by abstract data type (RFC 7011 section 6).
#pragma once

#include <cstddef>
#include <cstdint>

#include "ipfix/element.h"
#include "ipfix/octet_reader.h"

namespace ipfix {

// Whether a value of this type can be encoded in so many octets: reduced-size encoding for integers of several octets
// and for float64 (as float32) only (section 6.2). Always false for variable_length.
bool legal_length(DataType type, std::size_t octets);

// The same for a template's field length, where variable_length is legal for every type: it shows with each value.
bool legal_field_length(DataType type, std::uint16_t length);

bool is_list(DataType type);

// Two's complement of one to eight octets.
std::int64_t signed_value(Octets octets);
// IEEE 754 of four or eight octets.
double float_value(Octets octets);

// A point in time since the Unix epoch, UTC.
struct Instant {
  std::uint64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
  int fraction_digits = 0;  // the type's precision: 0, 3, 6 or 9
};
// Of a dateTime type's full-size value. The two NTP formats count seconds from 1900 and wrap in 2036: values in the
// lower half of the range are taken as the era after that (RFC 4330 section 3).
Instant instant_value(DataType type, Octets octets);

}  // namespace ipfix
