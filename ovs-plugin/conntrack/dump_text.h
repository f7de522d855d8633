// The text of `ovs-appctl dpctl/dump-conntrack -m -s`: a real parser (OVS has none), for entries of the userspace
// datapath (no counters, id 0) and of the kernel's (lib/ct-dpif.c: ct_dpif_format_entry).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "flowstore/flow.h"

namespace ofe::conntrack {

// One line, e.g. "tcp,orig=(src=10.10.0.1,dst=10.10.0.2,sport=1,dport=2),reply=(…),id=0,zone=65520,status=0,…".
// Unknown keys are skipped (also nested ones); protocols: tcp udp sctp icmp icmpv6 igmp and numbers. False: the line is
// no conntrack entry, and error says what was expected where (column, counted from 1). Absent zone: 0.
// statistics is exact when a direction carries packets and bytes, else none: OVS prints no counters of a direction that
// had no packets, such as the reply of a connection not yet answered.
bool parse_conntrack_line(std::string_view line, flowstore::Observation& out, std::string& error);

struct DumpTextStats {
  std::uint64_t lines = 0, unreadable = 0;
  std::string last_unreadable;  // the line (cut to 200 octets) and what was wrong with it
};

// A whole dump, line by line, in slices: give it the text once, then call step() until it says it is done.
class DumpTextReader {
 public:
  explicit DumpTextReader(std::string_view text);  // borrowed
  // Parses up to budget_lines lines and calls entry for each readable one; true while there is more.
  template <class Entry>
  bool step(std::size_t budget_lines, DumpTextStats& stats, Entry&& entry) {
    flowstore::Observation seen;
    for (std::string_view line; budget_lines-- > 0 && next_line(line);) {
      if (parse(line, stats, seen)) entry(seen);
    }
    return rest_.size() != 0;
  }

 private:
  bool next_line(std::string_view& line);
  static bool parse(std::string_view line, DumpTextStats& stats, flowstore::Observation& seen);
  std::string_view rest_;
};

}  // namespace ofe::conntrack
