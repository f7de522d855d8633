// From totals to deltas: conntrack shows running totals, a record says what was added.
#pragma once

#include "flowstore/flow.h"

namespace flowstore {

enum class CountChange : std::uint8_t {
  none,
  grew,
  stepped_back,  // at least one counter went back: all four are a new baseline
};

// Makes `seen` the flow's total and adds what it exceeds the old total by to pending. A step back adds nothing and
// takes nothing away: the counters were zeroed (conntrack -Z) or replaced, and what was counted before stays counted.
CountChange count(Flow& flow, const Counters& seen);

}  // namespace flowstore
