// How many conntrack entries the last complete scan of each zone found.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>

namespace ofe {

class ZoneEntries {
 public:
  struct Scan {
    std::uint64_t entries = 0;
    std::int64_t wall_ms = 0;  // its end; 0: none completed yet
  };
  void begin(std::uint16_t zone) { running_[zone] = 0; }
  void add(std::uint16_t zone) { ++running_[zone]; }
  void end(std::uint16_t zone, std::int64_t wall_ms) { last_[zone] = {running_[zone], wall_ms}; }
  Scan last(std::uint16_t zone) const {
    const auto found = last_.find(zone);
    return found == last_.end() ? Scan{} : found->second;
  }

 private:
  absl::flat_hash_map<std::uint16_t, std::uint64_t> running_;
  absl::flat_hash_map<std::uint16_t, Scan> last_;
};

}  // namespace ofe
