// Connections that ended while a scan of their zone was running, kept until that scan ends.
//
// Events and dumps come by different sockets, and the kernel fills a dump's buffer before it is read: a DESTROY can be
// handled before the dump's message that still shows the entry. Without this memory that message would begin a second
// flow with the same octets. The other way round, a dump can show a key's new connection before the DESTROY of the old
// one is read, which then must add only what its flow had not counted.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "flowstore/connection_identity.h"

namespace flowstore {

class RecentEnds {
 public:
  struct End {
    EntryMarks marks;
    Counters total;
    Statistics statistics = Statistics::none;
    bool birth_seen = false;
  };

  explicit RecentEnds(std::size_t max_ends) : max_ends_(max_ends) {}

  void begin_scan(std::uint16_t zone);
  void end_scan(std::uint16_t zone);

  // Nothing is kept when no scan of the zone runs, or of an entry without id. False when there was no room.
  bool remember(std::uint16_t zone, std::uint64_t key_hash, const End& end);
  // nullptr when that connection is not known to have ended.
  const End* find(std::uint16_t zone, std::uint64_t key_hash, const EntryMarks& marks) const;

 private:
  // By key and id: an entry's id is made of its place in memory, which the next one on the key often gets.
  using Ends = absl::flat_hash_map<std::uint64_t, absl::InlinedVector<End, 1>>;

  std::size_t max_ends_;
  std::size_t size_ = 0;
  struct Zone {
    Ends ends;
    std::size_t size = 0;
  };
  absl::flat_hash_map<std::uint16_t, Zone> zones_;  // those with a scan running
};

}  // namespace flowstore
