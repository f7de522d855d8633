#include "flowstore/connection_identity.h"

namespace flowstore {

Kinship compare(const EntryMarks& known, const EntryMarks& seen) {
  const bool both_ids = known.id != 0 && seen.id != 0;
  const bool both_starts = known.start_wall_ms != 0 && seen.start_wall_ms != 0;
  if (both_ids && known.id != seen.id) return Kinship::different;
  const bool same_start = known.start_wall_ms == seen.start_wall_ms && known.start_ns == seen.start_ns;
  if (both_starts && !same_start) return Kinship::different;
  return both_ids || both_starts ? Kinship::same : Kinship::unknown;
}

bool reopens(TcpState before, TcpState after) {
  const bool opening = after == TcpState::syn_sent || after == TcpState::syn_received;
  return opening && before >= TcpState::established;
}

}  // namespace flowstore
