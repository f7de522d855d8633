// What the connection store keeps: identity, counters and lifecycle of one connection.
//
// Units are in the names; times are milliseconds, monotonic ones for deadlines, wall-clock ones (since the Unix epoch)
// for what a record says. Everything here is a value.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <utility>

#include "flowstore/address.h"

namespace flowstore {

// Read once per turn of the caller's loop and handed down; the store has no clock.
struct Now {
  std::int64_t monotonic_ms = 0;
  std::int64_t wall_ms = 0;
};

// One direction of a connection as conntrack names it. ICMP and ICMPv6 have no ports: source_port holds the
// identifier, destination_port type × 256 + code (the convention of NetFlow v5).
struct Tuple {
  Address source{};
  Address destination{};
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint8_t protocol = 0;  // IANA protocol number

  friend bool operator==(const Tuple&, const Tuple&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const Tuple& t) {
    return H::combine(std::move(h), t.source, t.destination, t.source_port, t.destination_port, t.protocol);
  }
};

// Octets are those of the IP packet (L3), never of the frame; "reverse" is the reply direction (RFC 5103).
struct Counters {
  std::uint64_t packets = 0;
  std::uint64_t octets = 0;
  std::uint64_t reverse_packets = 0;
  std::uint64_t reverse_octets = 0;

  friend bool operator==(const Counters&, const Counters&) = default;
};

// Where a flow's counters come from (one authority per flow, never a sum of several).
enum class Statistics : std::uint8_t {
  none,       // nothing counted this connection: its counters are zero and say nothing
  exact,      // counted for this connection alone
  estimated,  // a share of something counted for several
};

// In the order of a connection's life: a step back to an opening state is a new connection on the same key.
enum class TcpState : std::uint8_t {
  none,
  syn_sent,
  syn_received,
  established,
  fin_wait,
  close_wait,
  closing,
  last_ack,
  time_wait,
  closed,
};

// IANA flowEndReason (element 136).
enum class EndReason : std::uint8_t {
  idle_timeout = 1,
  active_timeout = 2,
  end_of_flow = 3,
  forced_end = 4,
  lack_of_resources = 5,
};

// How a source came to see a conntrack entry.
enum class Sight : std::uint8_t {
  entry,  // it is there: a dump's message or line
  born,   // it was created: a NEW event, which carries neither counters nor start time
  gone,   // it was destroyed: a DESTROY event, with the final counters and the stop time, without labels and mark
};

// A conntrack entry as a source saw it: one line of a dump, one netlink message, one event.
struct Observation {
  Sight sight = Sight::entry;
  Tuple original;
  Tuple reply;
  std::uint16_t zone = 0;
  std::uint32_t id = 0;            // conntrack id; 0: the source has none
  std::uint32_t start_ns = 0;      // of the start, what is beyond start_wall_ms; 0 where the source has none
  std::int64_t start_wall_ms = 0;  // 0: unknown
  std::int64_t stop_wall_ms = 0;   // 0: still alive or unknown
  Counters counters;               // meaningless when statistics == none
  Statistics statistics = Statistics::none;
  TcpState tcp_state = TcpState::none;
  float relative_error_percent = 0;  // of estimated counters, by which the worst of them may differ
  std::uint32_t status = 0;          // IPS_* bits of linux/netfilter/nf_conntrack_common.h
  std::uint32_t timeout_s = 0;
  std::uint32_t mark = 0;
  std::array<std::uint8_t, 16> labels{};  // as printed: most significant octet first
};

// Opaque to the store: whoever names flows decides what it means. 0: not named yet.
using NameHandle = std::uint32_t;

// A bound in percent in two octets: rounded up to eight significant bits (the upper half of an IEEE 754 float).
class ErrorPercent {
 public:
  ErrorPercent() = default;
  // percent: not negative, finite.
  static ErrorPercent at_least(float percent) {
    ErrorPercent made;
    made.bits_ = static_cast<std::uint16_t>((std::bit_cast<std::uint32_t>(percent) + 0xffff) >> 16);
    return made;
  }
  float percent() const { return std::bit_cast<float>(std::uint32_t{bits_} << 16); }
  friend bool operator==(const ErrorPercent&, const ErrorPercent&) = default;

 private:
  std::uint16_t bits_ = 0;
};

// What the store shows of one connection.
struct Flow {
  Tuple original;
  Tuple reply;
  std::uint16_t zone = 0;  // the zone whose counters this flow shows
  // Of estimated counters: by how much of itself the worst of `total` may differ from the truth, up or down. 0 for
  // exact ones.
  ErrorPercent relative_error;
  std::uint32_t id = 0;
  std::uint32_t status = 0;
  std::uint32_t timeout_s = 0;
  std::uint32_t mark = 0;
  std::array<std::uint8_t, 16> labels{};
  TcpState tcp_state = TcpState::none;
  Statistics statistics = Statistics::none;
  bool birth_seen = false;
  bool ended = false;              // waits for its last export
  std::uint32_t start_ns = 0;      // conntrack's, beyond start_wall_ms
  std::int64_t start_wall_ms = 0;  // conntrack's, else the first observation
  std::int64_t last_wall_ms = 0;   // last observation; the stop time once ended with one. Never before the start
  std::int64_t first_monotonic_ms = 0;
  Counters total;
  Counters pending;           // observed since the last export
  std::uint32_t exports = 0;  // records exported so far
  NameHandle names = 0;       // set by the caller through Store::set_names or inside a sink
};

}  // namespace flowstore
