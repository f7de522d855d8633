#include "ovs-plugin/exporter/host_zone_scan.h"

#include "ovs-plugin/exporter/node_flows.h"

namespace ofe {

bool UserspaceAndHostScan::prepare(flowstore::Now now) {
  current_ = &userspace_;
  return current_->prepare(now);
}

bool UserspaceAndHostScan::start(std::span<const std::uint16_t> zones, flowstore::Now now) {
  const bool of_host = zones.front() == host_zone && !whole_host_zone(state_.settings);
  current_ = of_host ? static_cast<ZoneScan*>(&host_) : &userspace_;
  return current_->start(zones, now);
}

}  // namespace ofe
