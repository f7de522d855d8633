// The flows of the kernel datapath: dumped over netlink, as often as their cost allows, for the traffic they drop.
// (What they carry conntrack counts itself there.)
#pragma once

#include <cstdint>
#include <memory>

#include "ovs-plugin/datapath/kernel_flows.h"
#include "ovs-plugin/exporter/ovsdb_part.h"
#include "ovs-plugin/exporter/part.h"
#include "ovs-plugin/exporter/state.h"

namespace ofe {

struct KernelFlowsPartStats {
  std::uint64_t flows = 0;            // of the last dump
  std::int64_t last_dump_ms = 0;      // how long it took
  std::int64_t dump_interval_ms = 0;  // from the begin of the last dump to the next; 0: no dump yet
};

class KernelFlowsPart : public Part {
 public:
  KernelFlowsPart(State& state, const OvsdbPart& ovsdb) : state_(state), ovsdb_(ovsdb) {}
  void run(flowstore::Now now) override;
  void wait(flowstore::Now now) override;

  // A dump holds the datapath's locks for moments only, but walks over all its flows: the share of the time that dumps
  // may take.
  static constexpr int share_percent = 5;
  // nullptr: the datapath is not the kernel's, or nobody asks for its flows.
  const datapath::KernelFlows* source() const { return flows_.get(); }
  const KernelFlowsPartStats& stats() const { return stats_; }

 private:
  bool wanted() const;
  void begin(flowstore::Now now);
  void step(flowstore::Now now);
  void end(bool complete, flowstore::Now now);

  State& state_;
  const OvsdbPart& ovsdb_;
  std::unique_ptr<datapath::KernelFlows> flows_;
  bool dumping_ = false, work_left_ = false;
  std::int64_t next_ms_ = 0, began_ms_ = 0;
  std::uint64_t flows_before_ = 0;
  KernelFlowsPartStats stats_;
};

}  // namespace ofe
