#include "ovs-plugin/exporter/kernel_scan.h"

#include <poll.h>

#include "ovs-plugin/conntrack/sysctl.h"
#include "ovs-plugin/exporter/node_flows.h"
#include "ovs-plugin/ovs/ovs.h"

namespace ofe {
namespace {

// Per turn of the loop: about a millisecond's worth.
constexpr std::size_t entries_per_turn = 1'000;

}  // namespace

bool KernelScan::prepare(flowstore::Now) {
  const std::uint64_t entries = source_.stats().entries;
  const std::size_t zones = watched_zones(state_.settings).size();
  all_at_once_ = !source_.stats().kernel_filters ||
                 conntrack::one_dump_is_cheaper(zones, entries - entries_before_poll_, conntrack::table_size());
  entries_before_poll_ = entries;
  return false;
}

std::size_t KernelScan::zones_at_once(std::size_t zones) const {
  return all_at_once_ ? zones : 1;
}

bool KernelScan::start(std::span<const std::uint16_t> zones, flowstore::Now) {
  source_.start(zones);
  return true;
}

ZoneScan::Progress KernelScan::step(flowstore::Now now) {
  const auto progress = source_.step(entries_per_turn, [&](const flowstore::Observation& seen) { batch_.add(seen); });
  batch_.flush(state_, now);
  switch (progress) {
    case conntrack::KernelSource::Progress::complete:
      return Progress::complete;
    case conntrack::KernelSource::Progress::more:
      return Progress::more;
    case conntrack::KernelSource::Progress::waiting:
      return Progress::waiting;
    default:
      return Progress::failed;
  }
}

void KernelScan::wait() const {
  ofe_ovs_poll_fd_wait(source_.fd(), POLLIN);
}

}  // namespace ofe
