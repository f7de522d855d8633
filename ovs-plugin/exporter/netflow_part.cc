#include "ovs-plugin/exporter/netflow_part.h"

#include <poll.h>
#include <spdlog/spdlog.h>

namespace ofe {
namespace {
constexpr std::size_t datagrams_per_turn = 1'000;  // of at most 30 records: well below 20 ms
}

// Only the userspace datapath needs it: the kernel's conntrack counts by itself.
void NetflowPart::follow_settings() {
  const bool wanted = state_.settings.exact_accounting && ovsdb_.bridge().userspace();
  if (wanted == wanted_ || (wanted && open_failed_)) return;
  if (wanted && listener_.fd() < 0) {
    std::string error;
    if (!listener_.open(error)) {
      open_failed_ = true;
      spdlog::error("exact accounting: {}; IPv4 flows of the userspace datapath stay without exact counts", error);
      return;
    }
  }
  wanted_ = wanted;
  ovsdb_.want_netflow(wanted ? listener_.port() : 0);
}

void NetflowPart::run(flowstore::Now now) {
  follow_settings();
  if (listener_.fd() < 0) return;
  const std::uint64_t malformed = decoder_.stats().malformed;
  more_ = listener_.receive(datagrams_per_turn, [&](std::span<const std::uint8_t> datagram) {
    decoder_.decode(datagram, [&](const datapath::NetflowRecord& record) { state_.counters.add_netflow(record, now); });
  });
  if (malformed == 0 && decoder_.stats().malformed != 0) {
    spdlog::warn("exact accounting: a datagram on port {} is no NetFlow v5; counted and ignored from now on",
                 listener_.port());
  }
}

void NetflowPart::wait(flowstore::Now) {
  if (listener_.fd() < 0) return;
  ofe_ovs_poll_fd_wait(listener_.fd(), POLLIN);
  if (more_) ofe_ovs_poll_immediate_wake();
}

}  // namespace ofe
