// The zones a flow is seen in: the one it is counted in, for ever, and up to two others that only keep it alive.
#pragma once

#include <array>
#include <cstdint>

#include "flowstore/zone_scans.h"

namespace flowstore {

class Membership {
 public:
  // The flow's entry in the zone whose counters it shows.
  void see_counting(std::uint32_t mark) {
    marks_[counting] = mark;
    present_ |= bit(counting);
  }
  void drop_counting() { present_ &= static_cast<std::uint8_t>(~bit(counting)); }
  // Whether the flow was last known to be in the zone.
  bool in(std::uint16_t zone, const ZoneScans& scans, std::uint16_t counting_zone) const;

  // Whether its entry in the zone it is counted in was seen since the scan began that runs there now.
  bool counting_seen_by_open_scan(const ZoneScans& scans, std::uint16_t counting_zone) const {
    return has(counting) && scans.seen_by_open_scan(counting_zone, marks_[counting]);
  }

  // The flow's entry in another zone; false when there is no room to remember it.
  bool see_other(std::uint16_t zone, std::uint32_t mark);
  void drop_other(std::uint16_t zone);

  // Drops the zones whose scans found the flow absent, and those forgotten since it was seen in them. Whether one of
  // the latter was among them.
  bool drop_absent(const ZoneScans& scans, std::uint16_t counting_zone);
  void clear() { present_ = 0; }
  bool empty() const { return present_ == 0; }

 private:
  static constexpr unsigned counting = 0;
  static constexpr unsigned places = 3;

  static constexpr std::uint8_t bit(unsigned place) { return static_cast<std::uint8_t>(1u << place); }
  std::uint16_t zone_of(unsigned place, std::uint16_t counting_zone) const {
    return place == counting ? counting_zone : other_zones_[place - 1];
  }
  bool has(unsigned place) const { return (present_ & bit(place)) != 0; }

  std::array<std::uint32_t, places> marks_{};            // ZoneScans::mark of the last sight
  std::array<std::uint16_t, places - 1> other_zones_{};  // of the places after the first
  std::uint8_t present_ = 0;
};

}  // namespace flowstore
