#include "flowstore/membership.h"

namespace flowstore {

bool Membership::in(std::uint16_t zone, const ZoneScans& scans, std::uint16_t counting_zone) const {
  for (unsigned place = 0; place < places; ++place) {
    if (!has(place) || zone_of(place, counting_zone) != zone) continue;
    return !scans.absent(zone, marks_[place]) && !scans.forgotten(zone, marks_[place]);
  }
  return false;
}

bool Membership::see_other(std::uint16_t zone, std::uint32_t mark) {
  unsigned free = 0;
  for (unsigned place = places - 1; place > counting; --place) {
    if (!has(place)) {
      free = place;
    } else if (other_zones_[place - 1] == zone) {
      marks_[place] = mark;
      return true;
    }
  }
  if (free == 0) return false;
  other_zones_[free - 1] = zone;
  marks_[free] = mark;
  present_ |= bit(free);
  return true;
}

void Membership::drop_other(std::uint16_t zone) {
  for (unsigned place = counting + 1; place < places; ++place) {
    if (has(place) && other_zones_[place - 1] == zone) present_ &= static_cast<std::uint8_t>(~bit(place));
  }
}

bool Membership::drop_absent(const ZoneScans& scans, std::uint16_t counting_zone) {
  bool any_forgotten = false;
  for (unsigned place = 0; place < places; ++place) {
    if (!has(place)) continue;
    const std::uint16_t zone = zone_of(place, counting_zone);
    const bool forgotten = scans.forgotten(zone, marks_[place]);
    if (!forgotten && !scans.absent(zone, marks_[place])) continue;
    any_forgotten |= forgotten;
    present_ &= static_cast<std::uint8_t>(~bit(place));
  }
  return any_forgotten;
}

}  // namespace flowstore
