// Templates: the order, identity and encoded length of a record's fields (RFC 7011 section 3.4).
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace ipfix {

struct FieldSpecifier {
  std::uint32_t enterprise = 0;  // 0: IANA, written without the enterprise bit
  std::uint16_t id = 0;
  std::uint16_t length = 0;  // octets, or variable_length

  friend bool operator==(const FieldSpecifier&, const FieldSpecifier&) = default;
};

struct Template {
  std::uint16_t id = 0;            // >= 256
  std::uint16_t scope_fields = 0;  // > 0: an Options Template whose first fields are the scope
  std::vector<FieldSpecifier> fields;

  friend bool operator==(const Template&, const Template&) = default;
};

// nullptr: there is none of this id.
using FindTemplate = std::function<const Template*(std::uint16_t id)>;

}  // namespace ipfix
