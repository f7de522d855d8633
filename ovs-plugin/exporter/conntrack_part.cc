#include "ovs-plugin/exporter/conntrack_part.h"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace ofe {
namespace {
constexpr std::size_t flows_judged_per_turn = 20'000;
}

const char* ConntrackPart::source() const {
  if (scan_ == nullptr) return "none";
  return scan_ == kernel_.get() ? "kernel" : "userspace";
}

void ConntrackPart::use_kernel() {
  kernel_ = std::make_unique<KernelScan>(state_);
  scan_ = kernel_.get();
  accounting_ = conntrack::enable_accounting();
  if (!accounting_.problem.empty()) spdlog::warn("{}", accounting_.problem);
}

void ConntrackPart::follow_bridge(flowstore::Now now) {
  const BridgeView& bridge = ovsdb_.bridge();
  const bool same = bridge.found && scan_ != nullptr && bridge.userspace() == (scan_ == userspace_.get());
  // A bridge that OVSDB does not show (yet, or any more) ends no flow: its zones are just not scanned.
  if (same || (!bridge.found && scan_ == nullptr)) return;
  if (phase_ != Phase::idle) {
    if (phase_ == Phase::scanning) state_.store.end_scan(zones_[zone_], false, now);
    scan_->abandon();
    phase_ = Phase::idle;
  }
  kernel_.reset();
  userspace_.reset();
  scan_ = nullptr;
  if (!bridge.found) return;
  if (bridge.userspace()) {
    userspace_ = std::make_unique<UserspaceScan>(state_);
    scan_ = userspace_.get();
  } else {
    use_kernel();
  }
  spdlog::info("connection tracking is read from the {} datapath", source());
  next_poll_ms_ = now.monotonic_ms;
}

void ConntrackPart::follow_zones(flowstore::Now now) {
  if (generation_ == state_.settings_generation) return;
  generation_ = state_.settings_generation;
  for (const std::uint16_t zone : zones_) {
    const auto& wanted = state_.settings.zones;
    if (std::find(wanted.begin(), wanted.end(), zone) == wanted.end()) state_.store.forget_zone(zone, now);
  }
  zones_ = state_.settings.zones;
  next_poll_ms_ = std::min(next_poll_ms_, now.monotonic_ms + state_.settings.poll_interval_ms);
}

void ConntrackPart::begin_poll(flowstore::Now now) {
  poll_began_ms_ = now.monotonic_ms;
  poll_failed_ = false;
  zone_ = 0;
  next_poll_ms_ += state_.settings.poll_interval_ms;
  while (next_poll_ms_ <= now.monotonic_ms) {
    next_poll_ms_ += state_.settings.poll_interval_ms;
    ++stats_.polls_skipped;
  }
  if (scan_->prepare(now)) {
    phase_ = Phase::preparing;
  } else {
    begin_zone(now);
  }
}

void ConntrackPart::begin_zone(flowstore::Now now) {
  phase_ = Phase::scanning;
  state_.store.begin_scan(zones_[zone_], now);
  if (!scan_->start(zones_[zone_], now)) end_zone(false, now);
}

void ConntrackPart::note_failure(const std::string& what) {
  const std::string error = what + ": " + scan_->error();
  if (error != stats_.last_error) spdlog::warn("{}; tried again at the next poll, no flow ends by it", error);
  stats_.last_error = error;
  ++stats_.scans_failed;
  poll_failed_ = true;
}

void ConntrackPart::end_zone(bool complete, flowstore::Now now) {
  state_.store.end_scan(zones_[zone_], complete, now);
  if (!complete) note_failure("scan of zone " + std::to_string(zones_[zone_]));
  // A source that failed once would keep the other zones waiting for the same answer.
  if (complete && ++zone_ < zones_.size()) return begin_zone(now);
  phase_ = Phase::idle;
  if (poll_failed_) return;
  if (!stats_.last_error.empty()) spdlog::info("connection tracking is read again");
  stats_.last_error.clear();
  ++stats_.polls;
  stats_.last_poll_ms = now.monotonic_ms - poll_began_ms_;
  stats_.last_poll_wall_ms = now.wall_ms;
}

void ConntrackPart::run(flowstore::Now now) {
  follow_bridge(now);
  if (phase_ == Phase::idle) follow_zones(now);
  work_left_ = state_.store.sweep(flows_judged_per_turn, now);
  if (scan_ == nullptr) return;
  if (phase_ == Phase::idle && now.monotonic_ms >= next_poll_ms_) begin_poll(now);
  if (phase_ == Phase::idle) return;
  switch (scan_->step(now)) {
    case ZoneScan::Progress::more:
      work_left_ = true;
      break;
    case ZoneScan::Progress::waiting:
      break;
    case ZoneScan::Progress::complete:
      if (phase_ == Phase::preparing) {
        begin_zone(now);
      } else {
        end_zone(true, now);
      }
      work_left_ = true;
      break;
    case ZoneScan::Progress::failed:
      if (phase_ == Phase::preparing) {  // counters are then those of the last poll; the connections are still read
        note_failure("datapath flows");
        begin_zone(now);
      } else {
        end_zone(false, now);
      }
      work_left_ = true;
      break;
  }
}

void ConntrackPart::wait(flowstore::Now) {
  if (work_left_) ofe_ovs_poll_immediate_wake();
  if (scan_ == nullptr) return;
  if (phase_ == Phase::idle) {
    ofe_ovs_poll_timer_wait_until(next_poll_ms_);
  } else {
    scan_->wait();
  }
}

}  // namespace ofe
