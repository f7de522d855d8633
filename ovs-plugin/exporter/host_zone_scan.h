// Where the bridge's datapath is the userspace one, its zones are ovs-vswitchd's and the host's zone is the kernel's:
// two sources, asked one after the other.
#pragma once

#include "ovs-plugin/exporter/kernel_scan.h"
#include "ovs-plugin/exporter/userspace_scan.h"
#include "ovs-plugin/exporter/zone_scan.h"

namespace ofe {

class UserspaceAndHostScan : public ZoneScan {
 public:
  // Both must outlive it.
  UserspaceAndHostScan(UserspaceScan& userspace, KernelScan& host, const State& state)
      : userspace_(userspace), host_(host), state_(state) {}
  bool prepare(flowstore::Now now) override;
  std::size_t zones_at_once(std::size_t) const override { return 1; }
  bool start(std::span<const std::uint16_t> zones, flowstore::Now now) override;
  Progress step(flowstore::Now now) override { return current_->step(now); }
  void wait() const override { current_->wait(); }
  void abandon() override { current_->abandon(); }
  std::string error() const override { return current_->error(); }

 private:
  UserspaceScan& userspace_;
  KernelScan& host_;
  const State& state_;
  ZoneScan* current_ = &userspace_;
};

}  // namespace ofe
