// How what a megaflow counted is divided among the connections under it: equally, in whole packets.
//
// Of the packets that do not divide evenly each goes to another member; the next time those after them have their turn.
// Octets follow the packets: a member's are the whole's, in proportion to its packets, so that none has octets without
// packets. The shares add up to the whole, always.
#pragma once

#include <cstdint>

namespace ofe::correlate {

struct Amount {
  std::uint64_t packets = 0, octets = 0;

  bool empty() const { return packets == 0 && octets == 0; }
  Amount& operator+=(const Amount& more) {
    packets += more.packets;
    octets += more.octets;
    return *this;
  }
  friend Amount operator-(const Amount& a, const Amount& b) { return {a.packets - b.packets, a.octets - b.octets}; }
  friend bool operator==(const Amount&, const Amount&) = default;
};

class Shares {
 public:
  Shares() = default;
  // members: at least 1. turn: which member the first packet that is left over goes to, counted round.
  Shares(const Amount& whole, std::uint64_t members, std::uint64_t turn);
  // Of the members one after the other, `members` times.
  Amount next();
  std::uint64_t next_turn() const { return (turn_ + left_over_) % members_; }

 private:
  Amount whole_;
  std::uint64_t members_ = 1, turn_ = 0, left_over_ = 0;
  std::uint64_t weight_ = 0;  // what octets are divided by: packets, or (octets without any packet) members
  std::uint64_t place_ = 0, weight_given_ = 0, octets_given_ = 0;
};

}  // namespace ofe::correlate
