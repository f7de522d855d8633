#include "ovs-plugin/exporter/megaflow_dump.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <functional>

namespace ofe {
namespace {
constexpr std::size_t flows_per_slice = 4'000;  // 1 to 2 ms
constexpr std::size_t longest_kept = 200;
// "flow-dump from the main thread:", "flow-dump from pmd on cpu core: 3": a forwarding thread counts for itself.
constexpr std::string_view thread_header = "flow-dump from";

bool wants_drops(const State& state) {
  return state.settings.denied_flows != config::DeniedFlows::off;
}
}  // namespace

void MegaflowDump::begin(State& state, flowstore::Now now) {
  thread_ = 0;
  read_ = false;
  state.denied.begin_dump();
  state.counters.begin_dump(now);
}

void MegaflowDump::add_line(State& state, std::string_view line, flowstore::Now now) {
  if (!datapath::is_flow_line(line)) {
    if (line.starts_with(thread_header)) thread_ = std::hash<std::string_view>{}(line);
    return;
  }
  ++stats_.lines;
  if (datapath::parse_megaflow(line, flow_, error_)) {
    state.counters.add_flow(flow_, thread_);
    if (wants_drops(state)) state.denied.add(flow_, now);
    return;
  }
  ++stats_.unreadable;
  stats_.last_unreadable = std::string(line.substr(0, longest_kept)) + ": " + error_;
}

void MegaflowDump::add(State& state, std::string_view lines, flowstore::Now now) {
  const std::uint64_t unreadable = stats_.unreadable;
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    add_line(state, lines.substr(0, end), now);
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  if (unreadable == 0 && stats_.unreadable != 0) {
    spdlog::warn("dpctl/dump-flows: a line could not be read, counted from now on: {}", stats_.last_unreadable);
  }
}

bool MegaflowDump::settle(State& state, flowstore::Now now) {
  if (!read_ && wants_drops(state)) state.denied.end_dump();
  read_ = true;
  return state.counters.settle(state.settings.zones, now, flows_per_slice);
}

}  // namespace ofe
