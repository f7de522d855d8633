#include "ovs-plugin/exporter/kernel_scan.h"

#include <poll.h>

#include "ovs-plugin/ovs/ovs.h"

namespace ofe {
namespace {

// Per turn of the loop: about a millisecond's worth.
constexpr std::size_t entries_per_turn = 1'000;
// The kernel walks its whole table for each zone it is asked for, at a tenth of what an entry costs that it hands out
// (measured: 0.4 of 4.2 µs). So many walks cost as much as one dump of everything.
constexpr std::size_t zones_worth_asking_for = 10;

}  // namespace

std::size_t KernelScan::zones_at_once(std::size_t zones) const {
  const bool each_alone = source_.stats().kernel_filters && zones < zones_worth_asking_for;
  return each_alone ? 1 : zones;
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
