// Why a packet was dropped, from the rules that it met. Table numbers and cookies are every CNI's own, so what a rule
// matches decides:
//
//   invalid state   the rule drops and matches ct_state=+inv
//   anti-spoofing   nothing of the rule but its input port, Ethernet type and metadata is a condition (or no rule
//                   matched at all), and on the way the source was compared with what the port may send, in vain: the
//                   trace looked at the source's MAC or ARP address and no rule that matched has it; for a rule that
//                   names the input port, its IP address as well
//   table miss      no rule, or one that drops whatever comes, at priority 0
//   policy          the rule drops by address, port, ICMP type, register, conjunction, or conntrack mark or label; a
//                   multicast or broadcast destination alone is none of them
//   other           a rule that drops for another reason, or whose actions send nothing out
//
// The last rule that matched is the one that dropped.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "ovs-plugin/denied/trace.h"

namespace ofe::denied {

enum class DropKind : std::uint8_t { unclassified, policy, invalid_state, anti_spoofing, table_miss, other };
const char* to_string(DropKind kind);  // "policy", "invalid-state", …

struct Verdict {
  DropKind kind = DropKind::unclassified;
  // Of the rule; meaningless when unclassified.
  std::uint8_t table = 0;
  bool missed = false;
  int priority = 0;
  std::uint64_t cookie = 0;
  std::string match;

  friend bool operator==(const Verdict&, const Verdict&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const Verdict& v) {
    return H::combine(std::move(h), v.kind, v.table, v.missed, v.priority, v.cookie, v.match);
  }
};

// Unclassified when the rules do not drop it (any more).
Verdict classify(const Trace& trace);

}  // namespace ofe::denied
