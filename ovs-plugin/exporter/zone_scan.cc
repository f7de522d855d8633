#include "ovs-plugin/exporter/zone_scan.h"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace ofe {
namespace {

// Per turn of the loop: a few milliseconds' worth.
constexpr std::size_t lines_per_turn = 2'000;
constexpr const char* userspace_datapath = "netdev@ovs-netdev";

}  // namespace

bool UserspaceScan::prepare(flowstore::Now now) {
  if (!client_.call("dpctl/dump-flows", {"-m", userspace_datapath}, now)) return false;
  reading_ = Reading::megaflows;
  megaflow_text_begun_ = false;
  return true;
}

bool UserspaceScan::start(std::span<const std::uint16_t> zones, flowstore::Now now) {
  const std::string zone_argument = "zone=" + std::to_string(zones.front());
  text_.reset();
  if (!client_.call("dpctl/dump-conntrack", {"-m", "-s", userspace_datapath, zone_argument.c_str()}, now)) return false;
  reading_ = Reading::conntrack;
  return true;
}

ZoneScan::Progress UserspaceScan::step(flowstore::Now now) {
  switch (client_.run(now)) {
    case VswitchdClient::Progress::pending:
      return Progress::waiting;
    case VswitchdClient::Progress::answered:
      break;
    default:
      return Progress::failed;
  }
  return reading_ == Reading::megaflows ? step_megaflows(now) : step_conntrack(now);
}

ZoneScan::Progress UserspaceScan::step_conntrack(flowstore::Now now) {
  if (!text_) text_ = std::make_unique<conntrack::DumpTextReader>(client_.answer());
  const std::uint64_t unreadable = text_stats_.unreadable;
  const bool more =
      text_->step(lines_per_turn, text_stats_, [&](const flowstore::Observation& seen) { batch_.add(seen); });
  batch_.flush(state_, now);
  if (unreadable == 0 && text_stats_.unreadable != 0) {
    spdlog::warn("dpctl/dump-conntrack: a line could not be read, counted from now on: {}",
                 text_stats_.last_unreadable);
  }
  return more ? Progress::more : Progress::complete;
}

ZoneScan::Progress UserspaceScan::step_megaflows(flowstore::Now now) {
  if (!megaflow_text_begun_) {
    megaflow_text_ = client_.answer();
    megaflow_text_begun_ = true;
    stage_.begin();
  }
  const std::uint64_t unreadable = stage_.stats().unreadable;
  for (std::size_t lines = 0; lines < lines_per_turn && !megaflow_text_.empty(); ++lines) {
    const std::size_t end = std::min(megaflow_text_.find('\n'), megaflow_text_.size());
    stage_.add_line(megaflow_text_.substr(0, end));
    megaflow_text_.remove_prefix(std::min(end + 1, megaflow_text_.size()));
  }
  if (unreadable == 0 && stage_.stats().unreadable != 0) {
    spdlog::warn("dpctl/dump-flows: a line could not be read, counted from now on: {}", stage_.stats().last_unreadable);
  }
  if (!megaflow_text_.empty()) return Progress::more;
  finish_megaflows(now);
  return Progress::complete;
}

void UserspaceScan::finish_megaflows(flowstore::Now now) {
  const auto& zones = state_.settings.zones;
  state_.counters.begin_dump();
  stage_.each_pinned([&](std::uint16_t zone) { return std::find(zones.begin(), zones.end(), zone) != zones.end(); },
                     [&](const datapath::PinnedCounters& pinned) { state_.counters.add_pinned(pinned, now); });
  state_.counters.end_dump();
  state_.counters.expire(now);
  reading_ = Reading::nothing;
}

void UserspaceScan::abandon() {
  client_.abandon();
  text_.reset();
  reading_ = Reading::nothing;
}

}  // namespace ofe
