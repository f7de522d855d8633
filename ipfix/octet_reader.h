// Reads network-order integers and spans from octets: bounded, with a sticky error that is checked once. The mirror of
// RecordWriter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "ipfix/element.h"
#include "ipfix/message_format.h"
#include "ipfix/template.h"

namespace ipfix {

using Octets = std::span<const std::uint8_t>;

// Of one to eight octets.
inline std::uint64_t big_endian(Octets octets) {
  // The compiler makes one load of each of these; of the loop, eight.
  const std::uint8_t* const o = octets.data();
  const auto two = [o](int at) { return static_cast<std::uint32_t>(o[at] << 8 | o[at + 1]); };
  const auto four = [two](int at) { return std::uint64_t{two(at) << 16 | two(at + 2)}; };
  switch (octets.size()) {
    case 8:
      return four(0) << 32 | four(4);
    case 4:
      return four(0);
    case 2:
      return two(0);
    case 1:
      return o[0];
    default:
      break;
  }
  std::uint64_t value = 0;
  for (const std::uint8_t octet : octets) value = value << 8 | octet;
  return value;
}

class OctetReader {
 public:
  explicit OctetReader(Octets octets) : rest_(octets) {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(big_endian(octets(1))); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(big_endian(octets(2))); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(big_endian(octets(4))); }
  // Empty, and the error set, when fewer remain.
  Octets octets(std::size_t count) {
    if (count > rest_.size()) {
      cut_ = true;
      rest_ = {};
      return {};
    }
    const Octets taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }
  // A field specifier (RFC 7011 section 3.2).
  FieldSpecifier field_specifier() {
    FieldSpecifier field;
    const std::uint16_t id = u16();
    field.id = static_cast<std::uint16_t>(id & ~enterprise_bit);
    field.length = u16();
    if ((id & enterprise_bit) != 0) field.enterprise = u32();
    return field;
  }
  // A value whose template gives this length (RFC 7011 section 7).
  Octets value(std::uint16_t template_length);

  bool cut() const { return cut_; }  // something read above was not there
  std::size_t remaining() const { return rest_.size(); }
  Octets rest() const { return rest_; }

 private:
  Octets rest_;
  bool cut_ = false;
};

inline Octets OctetReader::value(std::uint16_t template_length) {
  if (template_length != variable_length) return octets(template_length);
  std::size_t length = u8();
  if (length == 255) length = u16();
  return octets(length);
}

}  // namespace ipfix
