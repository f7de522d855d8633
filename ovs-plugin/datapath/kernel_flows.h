// The kernel datapath's flows over generic netlink: its ports, then its flows, read in pieces.
//
// Only GET requests: dpif_open() of libopenvswitch would write to the datapath.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "ovs-plugin/datapath/megaflow.h"
#include "ovs-plugin/netlink/dump_reader.h"

namespace ofe::datapath {

struct KernelFlowsStats {
  std::uint64_t dumps = 0, dumps_failed = 0;
  std::uint64_t flows = 0, undecodable = 0;  // of all dumps
  std::size_t ports = 0;                     // of the last dump
  std::string last_error;                    // "" after a good dump
};

class KernelFlows {
 public:
  // datapath: its name, "ovs-system" for all bridges of type system. Reads from the process's network namespace.
  explicit KernelFlows(std::string datapath = "ovs-system");
  ~KernelFlows();

  // Begins a dump. One under way is given up (and counted as failed).
  void start();
  using Progress = netlink::DumpProgress;
  // Decodes until about `budget` messages were looked at (more), none is there (waiting: for fd()), or the dump is
  // over. What `flow` is given is valid during the call. now_ms: monotonic.
  Progress step(std::size_t budget, std::int64_t now_ms, const std::function<void(const Megaflow&)>& flow);
  int fd() const;
  const KernelFlowsStats& stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ofe::datapath
