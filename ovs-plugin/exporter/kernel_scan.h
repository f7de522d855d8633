// A scan of zones that the kernel tracks.
#pragma once

#include "ovs-plugin/conntrack/kernel_source.h"
#include "ovs-plugin/exporter/observation_batch.h"
#include "ovs-plugin/exporter/state.h"
#include "ovs-plugin/exporter/zone_scan.h"

namespace ofe {

class KernelScan : public ZoneScan {
 public:
  explicit KernelScan(State& state) : state_(state) {}
  // Decides how the zones of the poll are read.
  bool prepare(flowstore::Now now) override;
  std::size_t zones_at_once(std::size_t zones) const override;
  bool start(std::span<const std::uint16_t> zones, flowstore::Now now) override;
  Progress step(flowstore::Now now) override;
  void wait() const override;
  void abandon() override {}
  std::string error() const override { return source_.stats().last_error; }
  const conntrack::KernelSourceStats& stats() const { return source_.stats(); }
  bool reads_all_at_once() const { return all_at_once_; }

 private:
  State& state_;
  conntrack::KernelSource source_;
  ObservationBatch batch_;
  bool all_at_once_ = false;
  std::uint64_t entries_before_poll_ = 0;
};

}  // namespace ofe
