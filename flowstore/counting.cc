#include "flowstore/counting.h"

namespace flowstore {
namespace {

bool any_less(const Counters& a, const Counters& b) {
  return a.packets < b.packets || a.octets < b.octets || a.reverse_packets < b.reverse_packets ||
         a.reverse_octets < b.reverse_octets;
}

}  // namespace

CountChange count(Flow& flow, const Counters& seen) {
  if (seen == flow.total) return CountChange::none;
  const Counters before = flow.total;
  flow.total = seen;
  if (any_less(seen, before)) return CountChange::stepped_back;
  flow.pending.packets += seen.packets - before.packets;
  flow.pending.octets += seen.octets - before.octets;
  flow.pending.reverse_packets += seen.reverse_packets - before.reverse_packets;
  flow.pending.reverse_octets += seen.reverse_octets - before.reverse_octets;
  return CountChange::grew;
}

}  // namespace flowstore
