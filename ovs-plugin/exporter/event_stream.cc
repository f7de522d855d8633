#include "ovs-plugin/exporter/event_stream.h"

#include <poll.h>

#include <utility>

#include "ovs-plugin/ovs/ovs.h"

namespace ofe {
namespace {

constexpr std::size_t events_per_turn = 1'000;  // about a millisecond's worth
constexpr std::int64_t gather_ms = 50;

}  // namespace

EventStream::EventStream(State& state, std::span<const std::uint16_t> zones, conntrack::NewEvents new_events)
    : state_(state), source_(zones, new_events) {}

bool EventStream::run(flowstore::Now now, bool now_all) {
  if (!source_.open()) return true;
  if (gathering_ && !more_ && !now_all && now.monotonic_ms < next_read_ms_) return false;
  const std::uint64_t read_before = source_.stats().born + source_.stats().gone;
  const auto drained = source_.drain(events_per_turn, [&](const flowstore::Observation& event) { batch_.add(event); });
  batch_.flush(state_, now);
  lost_ |= drained == conntrack::EventSource::Drained::overrun;
  more_ = drained != conntrack::EventSource::Drained::empty;
  gathering_ = source_.stats().born + source_.stats().gone != read_before;
  next_read_ms_ = now.monotonic_ms + gather_ms;
  return !more_;
}

void EventStream::wait() const {
  if (!source_.open()) return;
  if (more_) {
    ofe_ovs_poll_immediate_wake();
  } else if (gathering_) {
    ofe_ovs_poll_timer_wait_until(next_read_ms_);
  } else {
    ofe_ovs_poll_fd_wait(source_.fd(), POLLIN);
  }
}

bool EventStream::take_loss() {
  return std::exchange(lost_, false);
}

}  // namespace ofe
