// Whether an observation on a flow's key is of the flow's connection or of another one that came to reuse the key.
#pragma once

#include "flowstore/flow.h"

namespace flowstore {

enum class Kinship : std::uint8_t {
  same,       // an identifier that both sides have agrees, and none disagrees
  different,  // an identifier that both sides have disagrees
  unknown,    // they have no identifier in common (userspace conntrack shows none)
};

// Conntrack's own marks of one entry; 0: the source shows none. The start to the nanosecond, as the kernel has it: a
// client that opens and resets in a loop has several connections on the same ports and with the same id in a
// millisecond.
struct EntryMarks {
  std::uint32_t id = 0;
  std::int64_t start_wall_ms = 0;
  std::uint32_t start_ns = 0;  // beyond start_wall_ms
};

// A conntrack id alone is weak evidence of sameness: the kernel makes it of the entry's address and tuple
// (nf_ct_get_id in nf_conntrack_core.c), so a reused key can get the same id again. A start time decides then.
Kinship compare(const EntryMarks& known, const EntryMarks& seen);

// A TCP state that goes back to an opening one. syn_sent after syn_received is a simultaneous open or a retransmission
// and no new connection.
bool reopens(TcpState before, TcpState after);

}  // namespace flowstore
