// What the scans (dumps) of a zone say about entries that were not in them.
//
// Scans of a zone are numbered as they begin. Seeing an entry marks it with the number of the scan begun last, so every
// scan with a higher number that completed began afterwards and did not find the entry. Nothing is written per entry
// when a scan ends, and the answer does not depend on when it is asked: an entry is absent as soon as the second-last
// complete scan began after it was last seen.
#pragma once

#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "flowstore/births.h"
#include "flowstore/flow.h"

namespace flowstore {

class ZoneScans {
 public:
  explicit ZoneScans(Now started)
      : started_wall_ms_(started.wall_ms), lowest_wall_ms_(started.wall_ms), clocks_(started) {}

  // Abandons an open scan of the zone.
  void begin(std::uint16_t zone, Now now);
  // True when an open scan completed by this.
  bool end(std::uint16_t zone, bool complete);

  // The mark for an entry seen now; marks of one zone never decrease.
  std::uint32_t mark(std::uint16_t zone) const;
  bool absent(std::uint16_t zone, std::uint32_t mark) const;
  // Seen before forget() of its zone, whatever the scans say of it.
  bool forgotten(std::uint16_t zone, std::uint32_t mark) const;
  // Whether the entry was seen since the scan began that runs now.
  bool seen_by_open_scan(std::uint16_t zone, std::uint32_t mark) const;

  // Whether a connection that appears now was born under our eyes: by its start time where that can tell. It cannot
  // when there is none (0), when it lies in the future (stamped by a clock that was ahead and has been set back), or
  // when it lies before us but the wall clock has been set back that far since: then the zone's complete scans decide,
  // one completed and the connection was not in it.
  bool birth_seen(std::uint16_t zone, std::int64_t start_wall_ms, Now now);

  // What birth_seen() goes by where there are start times; set before anything else.
  Births births() const;
  void set_births(const Births& births);

  // The zone's scans count no longer, and what began in it up to now has been seen by us, so its birth lies behind it.
  void forget(std::uint16_t zone, Now now);

 private:
  struct State {
    std::uint32_t begun = 0;
    std::uint32_t last_complete = 0;  // 0: none
    std::uint32_t previous_complete = 0;
    std::uint32_t forgotten_before = 0;  // marks below are of before forget()
    bool open = false;
    std::int64_t births_from_wall_ms = 0;
    std::int64_t lowest_wall_ms = 0;  // of the wall clock since then
  };
  State& state(std::uint16_t zone);
  const State* find(std::uint16_t zone) const;

  void follow_clocks(Now now);

  std::int64_t started_wall_ms_;
  std::int64_t lowest_wall_ms_;
  Now clocks_;  // when they were last looked at
  absl::flat_hash_map<std::uint16_t, State> zones_;
};

}  // namespace flowstore
