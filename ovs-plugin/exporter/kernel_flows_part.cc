#include "ovs-plugin/exporter/kernel_flows_part.h"

#include <poll.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "ovs-plugin/ovs/ovs.h"

namespace ofe {
namespace {

constexpr std::size_t flows_per_turn = 1'000;  // about a millisecond's worth

}  // namespace

bool KernelFlowsPart::wanted() const {
  const BridgeView& bridge = ovsdb_.bridge();
  return bridge.found && !bridge.userspace() && state_.settings.denied_flows != config::DeniedFlows::off;
}

void KernelFlowsPart::run(flowstore::Now now) {
  work_left_ = false;
  if (!wanted()) {
    flows_.reset();
    dumping_ = false;
    return;
  }
  if (flows_ == nullptr) {
    flows_ = std::make_unique<datapath::KernelFlows>();
    next_ms_ = now.monotonic_ms;
  }
  if (!dumping_ && now.monotonic_ms >= next_ms_) begin(now);
  if (dumping_) step(now);
}

void KernelFlowsPart::begin(flowstore::Now now) {
  dumping_ = true;
  began_ms_ = now.monotonic_ms;
  flows_before_ = flows_->stats().flows;
  state_.denied.begin_dump();
  flows_->start();
}

void KernelFlowsPart::step(flowstore::Now now) {
  using Progress = datapath::KernelFlows::Progress;
  const auto take = [&](const datapath::Megaflow& flow) { state_.denied.add(flow, now); };
  const Progress progress = flows_->step(flows_per_turn, now.monotonic_ms, take);
  if (progress == Progress::waiting) return;
  work_left_ = true;
  if (progress != Progress::more) end(progress == Progress::complete, now);
}

void KernelFlowsPart::end(bool complete, flowstore::Now now) {
  const std::string& error = flows_->stats().last_error;
  if (!complete && flows_->stats().dumps_failed == 1) spdlog::warn("flows of the kernel datapath: {}", error);
  if (complete) {
    state_.denied.end_dump();
    stats_.flows = flows_->stats().flows - flows_before_;
  }
  dumping_ = false;
  stats_.last_dump_ms = now.monotonic_ms - began_ms_;
  stats_.dump_interval_ms =
      std::max<std::int64_t>(state_.settings.poll_interval_ms, stats_.last_dump_ms * 100 / share_percent);
  next_ms_ = began_ms_ + stats_.dump_interval_ms;
}

void KernelFlowsPart::wait(flowstore::Now) {
  if (work_left_) ofe_ovs_poll_immediate_wake();
  if (flows_ == nullptr) return;
  if (dumping_) {
    ofe_ovs_poll_fd_wait(flows_->fd(), POLLIN);
  } else {
    ofe_ovs_poll_timer_wait_until(next_ms_);
  }
}

}  // namespace ofe
