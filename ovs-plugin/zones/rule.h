// What one OpenFlow rule, or one bucket of a group, says of connection tracking zones.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ofe::zones {

struct RuleName {
  bool group = false;  // group_id, else table and cookie
  std::uint32_t group_id = 0;
  std::uint8_t table = 0;
  std::uint64_t cookie = 0;
  friend bool operator==(const RuleName&, const RuleName&) = default;
};
std::string to_string(const RuleName& rule);  // "table 105 cookie 0x1020000000000", "group 7"

// 16 bits that a zone is taken from. Registers share one space of 512 bits, whatever name a rule calls them by: reg15
// is its word 0, reg0 its word 15; every other field is a space of its own.
struct ZoneField {
  std::uint16_t space = 0;
  std::uint16_t position = 0;  // 32 × word + bit
  std::string name;            // "reg13", "xreg0", "metadata"
  bool writable = false;       // by rules; else it is the packet's
};

struct CtAction {
  bool commit = false;
  std::optional<std::uint16_t> zone;  // none: of `field`
  ZoneField field;
};

struct Write {
  std::uint16_t space = 0, word = 0;
  std::uint32_t mask = 0;
  std::uint32_t value = 0;
  std::string from;  // "": constant; else the field or action it comes from
};

struct Rule {
  RuleName name;
  std::uint16_t eth_type = 0;  // 0: any
  std::vector<CtAction> cts;
  std::vector<Write> writes;
};

}  // namespace ofe::zones
