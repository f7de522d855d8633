// From when on the store sees the births of connections.
#pragma once

#include <cstdint>
#include <vector>

namespace flowstore {

// A connection that appears with a start time from here on has not been counted by any earlier flow.
struct Births {
  struct OfZone {
    std::uint16_t zone = 0;
    std::int64_t from_wall_ms = 0;
    friend bool operator==(const OfZone&, const OfZone&) = default;
  };
  std::int64_t from_wall_ms = 0;
  std::vector<OfZone> of_zones;  // where it is another time: zones that were forgotten once

  friend bool operator==(const Births&, const Births&) = default;
};

}  // namespace flowstore
