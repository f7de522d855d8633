// One dump of everything, or one for each zone?
//
// Asked for a zone, the kernel walks its whole table all the same, at a tenth of the cost of the entries it sends. It
// does so within one system call until a message is full, so a small zone in a large table also keeps a processor busy
// for as long as the walk takes (0.4 s for a million entries).
#pragma once

#include <cstddef>
#include <cstdint>

namespace ofe::conntrack {

struct TableSize {
  std::uint64_t entries = 0;  // of this network namespace
  std::uint64_t buckets = 0;  // of the machine
};

// Whether one dump of all entries, picked here, costs less than a dump of each of `zones` zones, which had
// `zone_entries` entries together when they were read last (0: not known).
constexpr bool one_dump_is_cheaper(std::size_t zones, std::uint64_t zone_entries, const TableSize& table) {
  // Microseconds (Linux 6.18); only their relation matters.
  constexpr double bucket_walked = 0.015, entry_walked = 0.4, entry_sent = 4.2;
  const auto entries = static_cast<double>(table.entries);
  const double walk = static_cast<double>(table.buckets) * bucket_walked + entries * entry_walked;
  const double sent = entry_sent - entry_walked;
  const double each = static_cast<double>(zones) * walk + static_cast<double>(zone_entries) * sent;
  return walk + entries * sent <= each;
}

}  // namespace ofe::conntrack
