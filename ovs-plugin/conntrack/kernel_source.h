// Kernel conntrack over ctnetlink: one dump at a time, read in pieces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "flowstore/flow.h"
#include "ovs-plugin/netlink/dump_reader.h"

namespace ofe::conntrack {

// One ctnetlink message (linux/netfilter/nfnetlink_conntrack.h) in place, no allocation. False when it has no usable
// original tuple (not IPv4 or IPv6, attributes cut short). payload: the octets after struct nlmsghdr.
bool decode_ctnetlink(const void* payload, std::size_t octets, flowstore::Observation& out);

struct KernelSourceStats {
  std::uint64_t dumps = 0, dumps_failed = 0, entries = 0, undecodable = 0;
  std::uint64_t other_zone = 0;  // entries read and left out, because their zone is none of those asked for
  bool kernel_filters = true;    // false: it sent other zones' entries although asked for one (before Linux 6.8)
  std::string last_error;        // "" after a good dump
};

class KernelSource {
 public:
  // Reads from the process's network namespace, on a thread of its own (dump_reader.h).
  KernelSource();
  ~KernelSource();

  // Begins a dump of the entries of these zones (at least one), of both families. One zone is asked of the kernel,
  // several are picked here from a dump of all. A dump under way is given up (and counted as failed).
  void start(std::span<const std::uint16_t> zones);
  using Progress = netlink::DumpProgress;
  // Decodes until about budget_entries messages were looked at (more; entries of other zones count, too: they cost
  // time), none is there (waiting: for fd()), or the dump is over. statistics is exact where the entry carries
  // counters, else none.
  Progress step(std::size_t budget_entries, const std::function<void(const flowstore::Observation&)>& entry);
  int fd() const;
  const KernelSourceStats& stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ofe::conntrack
