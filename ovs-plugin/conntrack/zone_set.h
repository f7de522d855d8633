// Conntrack zones as a set that is asked once per entry.
#pragma once

#include <bitset>
#include <cstdint>
#include <span>

namespace ofe::conntrack {

class ZoneSet {
 public:
  ZoneSet() = default;
  explicit ZoneSet(std::span<const std::uint16_t> zones) {
    for (const std::uint16_t zone : zones) zones_.set(zone);
  }
  bool contains(std::uint16_t zone) const { return zones_.test(zone); }

 private:
  std::bitset<65536> zones_;
};

}  // namespace ofe::conntrack
