// Which zones are watched, from one reading of the rules to the next.
//
// A zone enters with the first reading that has it. It leaves only when nothing has had it for a while: rules are taken
// out and put back when an agent or ovs-vswitchd starts again, and what is not watched any more ends its flows. A
// reading that shows no zone at all, or that was not complete, takes nothing out.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "ovs-plugin/zones/rule_facts.h"

namespace ofe::zones {

struct WatchedZone {
  ZoneReasons reasons;  // of the last reading that had it
  std::int64_t since_wall_ms = 0;
  std::int64_t missing_since_ms = -1;  // monotonic, the first reading without it; -1: the last reading had it
  unsigned missed = 0;                 // readings without it, in a row
};

class WatchList {
 public:
  struct Times {
    std::int64_t monotonic_ms = 0, wall_ms = 0;
  };
  // hold_ms: for how long at least a zone that the rules have no more is watched.
  // True when the set of zones is another one.
  bool follow(const Resolution& reading, bool complete, std::int64_t hold_ms, Times now);
  void clear() { zones_.clear(); }
  const std::map<std::uint16_t, WatchedZone>& zones() const { return zones_; }
  std::vector<std::uint16_t> numbers() const;

 private:
  std::map<std::uint16_t, WatchedZone> zones_;
};

}  // namespace ofe::zones
