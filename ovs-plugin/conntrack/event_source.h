// Kernel conntrack's NEW and DESTROY events, on a socket of their own.
//
// UPDATE events are not asked for: counters of living connections come with the dumps. The kernel drops events when the
// socket's buffer is full, and nothing else happens to it: the socket never asks for NETLINK_BROADCAST_ERROR, with
// which a listener that stands still would keep dead entries in the table until new connections are refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "flowstore/flow.h"
#include "ovs-plugin/conntrack/event_filter.h"

namespace ofe::conntrack {

struct EventSourceStats {
  std::uint64_t born = 0, gone = 0;  // events of the watched zones, read and decoded
  std::uint64_t undecodable = 0;
  std::uint64_t other_zone = 0;  // read and left out: more zones than the kernel's filter takes, or old ones
  std::uint64_t overruns = 0;    // times the buffer was found to have been full (ENOBUFS)
  std::uint64_t lost = 0;        // events of the watched zones that the kernel dropped (SO_MEMINFO, SK_MEMINFO_DROPS)
  // Connections that can have come and gone unseen by that: each lost its DESTROY event, and its NEW event where all of
  // those are read.
  std::uint64_t missed_at_most = 0;
  int buffer_octets = 0;  // as the kernel counts it: twice what can be asked for
  std::string problem;    // "": events arrive. Else a sentence: what was attempted and why it failed
};

class EventSource {
 public:
  // Joins the multicast groups in the process's network namespace. Needs CAP_NET_ADMIN there; see stats().problem.
  EventSource(std::span<const std::uint16_t> zones, NewEvents new_events);
  ~EventSource();

  bool open() const;
  // From now on events of these zones.
  void watch(std::span<const std::uint16_t> zones, NewEvents new_events);
  enum class Drained : std::uint8_t { more, empty, overrun };
  // Hands out events (Sight::born, Sight::gone) in the kernel's order: until about `budget` were read (more), none is
  // left (empty), or it shows that some were lost before the next (overrun: what they said must be read from a dump;
  // then there may be more).
  Drained drain(std::size_t budget, const std::function<void(const flowstore::Observation&)>& event);
  int fd() const;  // -1: not open
  const EventSourceStats& stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ofe::conntrack
