// The comparison for the store: what one would write first. A std::unordered_map from the two tuples to the same things
// that flowstore::Flow holds, and a heap of deadlines.
#pragma once

#include <cstring>
#include <functional>
#include <queue>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "flowstore/flow.h"

namespace bench {

struct FlowKey {
  flowstore::Tuple original, reply;
  friend bool operator==(const FlowKey&, const FlowKey&) = default;
};

struct FlowKeyHash {
  std::size_t operator()(const FlowKey& key) const { return one(key.original) * 0x9e3779b97f4a7c15 + one(key.reply); }

 private:
  // A tuple is 37 octets, then padding.
  static_assert(offsetof(flowstore::Tuple, protocol) == 36);
  static std::size_t one(const flowstore::Tuple& tuple) {
    return std::hash<std::string_view>{}({reinterpret_cast<const char*>(&tuple), 37});
  }
};

struct MappedFlow {
  std::uint16_t zone = 0;
  std::uint32_t id = 0, status = 0, timeout_s = 0, mark = 0;
  std::array<std::uint8_t, 16> labels{};
  flowstore::TcpState tcp_state = flowstore::TcpState::none;
  flowstore::Statistics statistics = flowstore::Statistics::none;
  bool birth_seen = false, ended = false;
  std::int64_t start_wall_ms = 0, last_wall_ms = 0, first_monotonic_ms = 0, last_growth_ms = 0, due_ms = 0;
  flowstore::Counters total, pending;
  std::uint32_t exports = 0;
  flowstore::NameHandle names = 0;
  std::uint32_t last_scan = 0;
};

class FlowMap {
 public:
  // Marks the flow as seen in this scan, adds what was counted since.
  void observe(const flowstore::Observation& seen, std::uint32_t scan, flowstore::Now now) {
    const auto [found, added] = flows_.try_emplace(FlowKey{seen.original, seen.reply});
    MappedFlow& flow = found->second;
    if (added || flow.id != seen.id) begin(found->first, flow, seen, now);
    flow.status = seen.status;
    flow.timeout_s = seen.timeout_s;
    flow.mark = seen.mark;
    flow.labels = seen.labels;
    flow.tcp_state = seen.tcp_state;
    flow.last_wall_ms = now.wall_ms;
    flow.last_scan = scan;
    if (seen.statistics != flowstore::Statistics::none) count(flow, seen.counters, now);
  }
  std::size_t size() const { return flows_.size(); }
  void set_names(const flowstore::Observation& seen, flowstore::NameHandle names) {
    flows_.at(FlowKey{seen.original, seen.reply}).names = names;
  }

 private:
  struct Deadline {
    std::int64_t due_ms;
    const FlowKey* flow;
    bool operator<(const Deadline& other) const { return due_ms > other.due_ms; }
  };

  void begin(const FlowKey& key, MappedFlow& flow, const flowstore::Observation& seen, flowstore::Now now) {
    flow = {};
    flow.zone = seen.zone;
    flow.id = seen.id;
    flow.start_wall_ms = seen.start_wall_ms != 0 ? seen.start_wall_ms : now.wall_ms;
    flow.first_monotonic_ms = now.monotonic_ms;
    flow.due_ms = now.monotonic_ms + 60'000;
    deadlines_.push({flow.due_ms, &key});
  }
  static void count(MappedFlow& flow, const flowstore::Counters& seen, flowstore::Now now) {
    flow.statistics = flowstore::Statistics::exact;
    if (seen == flow.total) return;
    flow.pending.packets += seen.packets - flow.total.packets;
    flow.pending.octets += seen.octets - flow.total.octets;
    flow.pending.reverse_packets += seen.reverse_packets - flow.total.reverse_packets;
    flow.pending.reverse_octets += seen.reverse_octets - flow.total.reverse_octets;
    flow.total = seen;
    flow.last_growth_ms = now.monotonic_ms;
  }

  std::unordered_map<FlowKey, MappedFlow, FlowKeyHash> flows_;
  std::priority_queue<Deadline> deadlines_;
};

}  // namespace bench
