// Conntrack events on their way into the store: read in batches, up to 50 ms after the first of them, as waking
// for each event costs as much as handling it.
#pragma once

#include <cstdint>
#include <span>

#include "ovs-plugin/conntrack/event_source.h"
#include "ovs-plugin/conntrack/sysctl.h"
#include "ovs-plugin/exporter/observation_batch.h"
#include "ovs-plugin/exporter/state.h"

namespace ofe {

class EventStream {
 public:
  EventStream(State& state, std::span<const std::uint16_t> zones, conntrack::NewEvents new_events);

  bool open() const { return source_.open(); }
  void watch(std::span<const std::uint16_t> zones, conntrack::NewEvents new_events) {
    source_.watch(zones, new_events);
  }
  // Takes what is due. With `now_all`, does not wait for more to gather. True when nothing was left to read.
  bool run(flowstore::Now now, bool now_all);
  void wait() const;
  // Events were lost since the last call: connections that began or ended must be read from a dump.
  bool take_loss();

  const conntrack::EventSourceStats& stats() const { return source_.stats(); }
  const conntrack::EventsSysctl& sysctl() const { return sysctl_; }

 private:
  State& state_;
  const conntrack::EventsSysctl sysctl_;
  conntrack::EventSource source_;
  ObservationBatch batch_;
  std::int64_t next_read_ms_ = 0;
  bool gathering_ = false;  // events arrive: they are read at next_read_ms_, not at once
  bool more_ = false;
  bool lost_ = false;
};

}  // namespace ofe
