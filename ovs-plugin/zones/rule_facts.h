// Of all rules of a bridge: into which zones they commit connections, and why.
//
// A zone that stands in the rule is taken as it is. One that is taken from a register is each value that rules load
// into those bits, part by part where they load parts (Antrea's VLAN and kind of zone, say): every combination, as
// which of them meet in one packet is not followed. Too many zones are watched by it, never too few.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "ovs-plugin/zones/rule.h"

namespace ofe::zones {

// Address families, as bits.
inline constexpr std::uint8_t ipv4 = 1, ipv6 = 2;

struct ZoneReasons {
  std::uint8_t families = 0;     // what rules that commit to it match; 0: not known
  std::vector<std::string> why;  // the first few
  std::size_t more = 0;          // reasons not kept
};
void add_reason(ZoneReasons& reasons, std::string why);

struct Unresolved {
  RuleName rule;
  std::string field;
  std::string why;
};

struct Resolution {
  std::map<std::uint16_t, ZoneReasons> zones;
  std::vector<Unresolved> unresolved;  // at most unresolved_kept
  std::size_t unresolved_more = 0;
};

class RuleFacts {
 public:
  static constexpr std::size_t most_writes = 200'000;  // different ones
  static constexpr std::size_t unresolved_kept = 20;

  void add(const Rule& rule);
  // What was not taken in because of most_writes: then a zone can be missing.
  std::uint64_t writes_dropped() const { return writes_dropped_; }
  Resolution resolve() const;

 private:
  struct Use {
    RuleName rule;  // the first
    std::size_t rules = 0;
    std::uint8_t families = 0;
    bool any_family = false;  // a rule that matches no family does it, too
  };
  struct FieldUse : Use {
    ZoneField field;
  };
  using Word = std::pair<std::uint16_t, std::uint16_t>;  // space, word

  void note(Use& use, const Rule& rule);
  void resolve_field(const FieldUse& use, Resolution& out) const;

  std::map<std::uint16_t, Use> committed_;
  std::map<std::uint16_t, std::uint8_t> looked_up_;  // zones of ct() without commit: families
  std::map<std::tuple<std::uint16_t, std::uint16_t>, FieldUse> committed_fields_;          // space, position
  std::map<Word, std::map<std::pair<std::uint32_t, std::uint32_t>, RuleName>> constants_;  // mask, value
  std::map<Word, std::map<std::pair<std::uint32_t, std::string>, RuleName>> unknowns_;     // mask, from
  std::size_t writes_ = 0;
  std::uint64_t writes_dropped_ = 0;
};

// OVN's controller writes the zones it gave away into the bridge's external_ids: "ct-zone-<port>" = "5".
void add_ovn_zone(const std::string& key, const std::string& value, Resolution& out);

}  // namespace ofe::zones
