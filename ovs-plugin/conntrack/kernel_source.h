// Kernel conntrack over ctnetlink: one dump of one zone at a time, read in pieces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "flowstore/flow.h"

namespace ofe::conntrack {

// One ctnetlink message (linux/netfilter/nfnetlink_conntrack.h) in place, no allocation. False when it has no usable
// original tuple (not IPv4 or IPv6, attributes cut short). payload: the octets after struct nlmsghdr.
bool decode_ctnetlink(const void* payload, std::size_t octets, flowstore::Observation& out);

struct KernelSourceStats {
  std::uint64_t dumps = 0, dumps_failed = 0, entries = 0, undecodable = 0;
  std::uint64_t other_zone = 0;  // entries the kernel sent although another zone was asked for (it ignored the filter)
  std::string last_error;        // "" after a good dump
};

class KernelSource {
 public:
  // Opens a netlink socket in the process's network namespace; error text in stats().last_error when it cannot.
  KernelSource();
  ~KernelSource();

  // Asks for the zone's entries of both families (CTA_ZONE, which kernels before 6.8 ignore: filtered here again).
  // False: the request could not be sent, see stats().
  bool start(std::uint16_t zone);
  enum class Progress : std::uint8_t { idle, more, waiting, complete, failed };
  // Reads until budget_entries messages were looked at (more: some may have been read already, so that fd() says
  // nothing; entries of other zones count, too: they cost time), the socket is empty (waiting: for fd()), or the dump
  // is over. statistics is exact where the entry carries counters, else none. A dump that failed is over: start()
  // begins anew, on a new socket.
  Progress step(std::size_t budget_entries, const std::function<void(const flowstore::Observation&)>& entry);
  int fd() const;  // of the present dump: start() may open another; -1: none
  const KernelSourceStats& stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// net.netfilter.nf_conntrack_acct and _timestamp of this network namespace. Both are needed for what kernel entries
// count and when they began; a new namespace starts with both off.
struct AccountingSysctls {
  bool accounting = false, timestamps = false;  // as they are now
  std::string problem;  // "": both on. Else a sentence: what could not be set, why, and what the effect is
};
// Turns both on where they are off. proc_root is "/proc" (tests pass another).
AccountingSysctls enable_accounting(const std::string& proc_root = "/proc");

}  // namespace ofe::conntrack
