// How fast records of living flows leave when many are due at once.
//
// Flows that were first seen together (the first poll of a full table, a resync) are due together for as long as they
// live: a million records in the four seconds that the dump took, every minute. A collector's socket buffer for UDP
// holds about 90 messages of 1,400 octets by default (net.core.rmem_default). So such records leave at twice the rate
// that all flows need on the average, which spreads a burst over half of the interval at most; a flow's due times stay
// what they are, and so does the interval between its records. Ended flows are not held back.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ofe {

// Time is monotonic milliseconds.
class ExportPace {
 public:
  // Never slower: 4,000 messages a second over UDP, 100,000 flows in five seconds.
  static constexpr std::int64_t min_records_per_s = 20'000;
  // When records are held back, the next ones leave so much later.
  static constexpr std::int64_t step_ms = 5;
  // What may leave at once after a pause or a long turn of the loop.
  static constexpr std::int64_t burst_ms = 50;

  // How many may leave now; flows: in the store; interval_ms: in which each of them has a record.
  std::size_t allowance(std::size_t flows, std::int64_t interval_ms, std::int64_t now_ms);
  void took(std::size_t records) { allowance_ -= static_cast<double>(records); }
  // After an allowance was used up: when to ask for the next one.
  std::int64_t next_ms() const { return refilled_ms_ + step_ms; }

 private:
  double allowance_ = 0;  // records
  std::int64_t refilled_ms_ = -1;
};

}  // namespace ofe
