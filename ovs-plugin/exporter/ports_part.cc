#include "ovs-plugin/exporter/ports_part.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "ovs-plugin/exporter/bounded_cost.h"
#include "ovs-plugin/exporter/vswitchd_socket.h"
#include "ovs-plugin/ovs/ovs.h"

namespace ofe {
namespace {

constexpr std::int64_t look_every_ms = 1'000;  // for another ovs-vswitchd
constexpr std::int64_t ask_every_ms = 60'000;
constexpr std::int64_t soonest_again_ms = 500;  // OVSDB changes several times for one port

}  // namespace

// Another ovs-vswitchd numbers its ports anew: what the one before said is forgotten at once.
void PortsPart::follow_vswitchd(flowstore::Now now) {
  if (now.monotonic_ms - looked_ms_ < look_every_ms) return;
  looked_ms_ = now.monotonic_ms;
  std::string socket = find_vswitchd_socket(rundir_);
  if (socket == socket_) return;
  socket_ = std::move(socket);
  if (asked_) client_.abandon();
  asked_ = false;
  state_.bridge_ports.set_datapath_ports({});
  due_ms_ = socket_.empty() ? INT64_MAX : now.monotonic_ms;
}

void PortsPart::run(flowstore::Now now) {
  work_left_ = false;
  follow_vswitchd(now);
  if (seqno_ != ovsdb_.seqno() && !socket_.empty()) {
    seqno_ = ovsdb_.seqno();
    due_ms_ = std::min(due_ms_, std::max(now.monotonic_ms, earliest_ms_));
  }
  if (asked_) return read(now);
  if (now.monotonic_ms >= std::max(due_ms_, budget_.earliest_ms())) ask(now);
}

void PortsPart::wait(flowstore::Now) {
  if (work_left_) return ofe_ovs_poll_immediate_wake();
  if (asked_) client_.wait();
  ofe_ovs_poll_timer_wait_until(looked_ms_ + look_every_ms);
  if (!asked_ && due_ms_ != INT64_MAX) ofe_ovs_poll_timer_wait_until(std::max(due_ms_, budget_.earliest_ms()));
}

void PortsPart::ask(flowstore::Now now) {
  due_ms_ = INT64_MAX;
  answer_ = {};
  budget_.set_share_percent(state_.settings.vswitchd_share_percent, now.monotonic_ms);
  if (!client_.call({"dpif/show"}, now)) return failed(now);
  asked_ = true;
}

void PortsPart::read(flowstore::Now now) {
  const VswitchdClient::Progress progress = client_.run(now);
  std::string_view lines = client_.lines();
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    answer_.add_line(lines.substr(0, end));
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  if (progress == VswitchdClient::Progress::pending) return;
  asked_ = false;
  budget_.charge(client_.times().asked_ms, bounded_cost_ms(client_.times(), answer_.ports().size()), now.monotonic_ms);
  if (progress == VswitchdClient::Progress::answered) {
    answered(now);
  } else {
    failed(now);
  }
}

void PortsPart::answered(flowstore::Now now) {
  std::vector<record::Ports::DatapathPort> numbers;
  for (const datapath::DpifPort& port : answer_.ports()) numbers.push_back({port.bridge, port.interface, port.number});
  state_.bridge_ports.set_datapath_ports(numbers);
  ++stats_.answers;
  stats_.unreadable = answer_.unreadable();
  stats_.last_answer_wall_ms = now.wall_ms;
  stats_.last_error.clear();
  earliest_ms_ = now.monotonic_ms + soonest_again_ms;
  due_ms_ = std::min(due_ms_, now.monotonic_ms + ask_every_ms);
}

void PortsPart::failed(flowstore::Now now) {
  ++stats_.failures;
  if (stats_.last_error.empty()) {
    spdlog::warn("dpif/show: {}; datapath port numbers are not known until it answers", client_.stats().last_error);
  }
  stats_.last_error = client_.stats().last_error;
  earliest_ms_ = now.monotonic_ms + look_every_ms;
  due_ms_ = now.monotonic_ms + 5 * look_every_ms;
}

}  // namespace ofe
