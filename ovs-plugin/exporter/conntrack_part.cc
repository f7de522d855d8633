#include "ovs-plugin/exporter/conntrack_part.h"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace ofe {
namespace {

constexpr std::size_t flows_judged_per_turn = 10'000;  // about half a millisecond's worth
}  // namespace

const char* ConntrackPart::source() const {
  if (scan_ == nullptr) return "none";
  return userspace_ == nullptr ? "kernel" : "userspace";
}

void ConntrackPart::use_kernel() {
  kernel_ = std::make_unique<KernelScan>(state_);
  accounting_ = conntrack::enable_accounting();
  if (!accounting_.problem.empty()) spdlog::warn("{}", accounting_.problem);
}

// Before the first dump asks, so that nothing happens between the two.
void ConntrackPart::listen() {
  std::vector<std::uint16_t> zones = zones_;
  if (userspace_) std::erase_if(zones, [](std::uint16_t zone) { return zone != host_zone; });
  const bool wanted = kernel_ != nullptr && !zones.empty() && state_.settings.conntrack_events;
  if (!wanted) return events_.reset();
  const auto new_events = accounting_.timestamps ? conntrack::NewEvents::marked : conntrack::NewEvents::all;
  if (events_) return events_->watch(zones, new_events);
  events_ = std::make_unique<EventStream>(state_, zones, new_events);
  for (const std::string& problem : {events_->sysctl().problem(), events_->stats().problem}) {
    if (!problem.empty()) spdlog::warn("{}", problem);
  }
}

void ConntrackPart::give_up_scan(flowstore::Now now) {
  if (phase_ == Phase::idle) return;
  if (phase_ != Phase::preparing) {
    for (const std::uint16_t zone : scanned()) state_.store.end_scan(zone, false, now);
  }
  scan_->abandon();
  phase_ = Phase::idle;
}

void ConntrackPart::follow_bridge(flowstore::Now now) {
  const BridgeView& bridge = ovsdb_.bridge();
  const bool same = bridge.found && scan_ != nullptr && bridge.userspace() == (userspace_ != nullptr);
  // A bridge that OVSDB does not show (yet, or any more) ends no flow: its zones are just not scanned.
  if (same || (!bridge.found && scan_ == nullptr)) return;
  give_up_scan(now);
  events_.reset();
  with_host_.reset();
  kernel_.reset();
  userspace_.reset();
  scan_ = nullptr;
  if (!bridge.found) return;
  if (bridge.userspace()) {
    userspace_ = std::make_unique<UserspaceScan>(state_, vswitchd_budget_, ofe_ovs_rundir());
    scan_ = userspace_.get();
  } else {
    use_kernel();
    scan_ = kernel_.get();
  }
  spdlog::info("connection tracking is read from the {} datapath", source());
  next_poll_ms_ = now.monotonic_ms;
  generation_ = 0;  // the settings are to be applied to the new source
}

void ConntrackPart::follow_settings(flowstore::Now now) {
  if (generation_ == state_.settings_generation) return;
  generation_ = state_.settings_generation;
  follow_zones(now);
  add_host();
  listen();
  next_poll_ms_ = std::min(next_poll_ms_, now.monotonic_ms + state_.settings.poll_interval_ms);
}

void ConntrackPart::follow_zones(flowstore::Now now) {
  std::vector<std::uint16_t> wanted = watched_zones(state_.settings);
  for (const std::uint16_t zone : zones_) {
    if (std::find(wanted.begin(), wanted.end(), zone) != wanted.end()) continue;
    if (state_.zones_known()) {
      state_.store.forget_zone(zone, now);
    } else {
      wanted.insert(wanted.begin(), zone);  // of the process before: it can be the rules'
    }
  }
  zones_ = wanted;
}

// True when no event waits to be read.
bool ConntrackPart::follow_events(flowstore::Now now) {
  if (!events_) return true;
  const bool drained = events_->run(now, phase_ == Phase::settling);
  if (events_->take_loss()) {
    if (!resync_.stats().under_way) {
      spdlog::warn("conntrack events were lost ({} until now): everything is read again", events_->stats().lost);
    }
    resync_.lost(now.monotonic_ms, state_.settings.poll_interval_ms);
  }
  if (const auto due_ms = resync_.due_ms()) next_poll_ms_ = std::min(next_poll_ms_, *due_ms);
  return drained;
}

// The kernel tracks the Node's own connections also where the bridge's are ovs-vswitchd's.
void ConntrackPart::add_host() {
  if (userspace_ == nullptr || with_host_ != nullptr || !reads_node_flows(state_.settings)) return;
  use_kernel();
  with_host_ = std::make_unique<UserspaceAndHostScan>(*userspace_, *kernel_, state_);
  scan_ = with_host_.get();
}

void ConntrackPart::take_last_events(flowstore::Now now) {
  while (events_ && !events_->run(now, true)) continue;
}

void ConntrackPart::begin_poll(flowstore::Now now) {
  poll_began_ms_ = now.monotonic_ms;
  poll_failed_ = false;
  first_ = count_ = 0;
  next_poll_ms_ += state_.settings.poll_interval_ms;
  while (next_poll_ms_ <= now.monotonic_ms) {
    next_poll_ms_ += state_.settings.poll_interval_ms;
    ++stats_.polls_skipped;
  }
  resync_.poll_begins();
  if (scan_->prepare(now)) {
    phase_ = Phase::preparing;
  } else {
    begin_scan(now);
  }
}

// Of the zones after those scanned last.
void ConntrackPart::begin_scan(flowstore::Now now) {
  phase_ = Phase::scanning;
  first_ += count_;
  count_ = std::min(scan_->zones_at_once(zones_.size()), zones_.size() - first_);
  for (const std::uint16_t zone : scanned()) {
    state_.store.begin_scan(zone, now);
    state_.zone_entries.begin(zone);
  }
  if (!scan_->start(scanned(), now)) end_scan(ZoneScan::Progress::failed, now);
}

void ConntrackPart::note_failure(const std::string& what) {
  const std::string error = what + ": " + scan_->error();
  if (failures_said_.size() < 100 && failures_said_.insert(error).second) {
    spdlog::warn("{}; tried again at the next poll, no flow ends by it", error);
  }
  stats_.last_error = error;
  ++stats_.scans_failed;
  poll_failed_ = true;
}

void ConntrackPart::end_scan(ZoneScan::Progress how, flowstore::Now now) {
  const bool complete = how == ZoneScan::Progress::complete;
  for (const std::uint16_t zone : scanned()) {
    state_.store.end_scan(zone, complete, now);
    if (complete) state_.zone_entries.end(zone, now.wall_ms);
  }
  if (!complete) {
    note_failure(count_ == 1 ? "scan of zone " + std::to_string(zones_[first_])
                             : "scan of " + std::to_string(count_) + " zones");
  }
  // A source that failed once would keep the other zones waiting for the same answer.
  if (how != ZoneScan::Progress::failed && first_ + count_ < zones_.size()) return begin_scan(now);
  phase_ = Phase::idle;
  if (!poll_failed_) end_poll(now);
}

void ConntrackPart::end_poll(flowstore::Now now) {
  if (!stats_.last_error.empty()) spdlog::info("connection tracking is read again");
  stats_.last_error.clear();
  failures_said_.clear();
  ++stats_.polls;
  state_.counters.poll_completed();
  stats_.last_poll_ms = now.monotonic_ms - poll_began_ms_;
  stats_.last_poll_wall_ms = now.wall_ms;
  if (resync_.poll_completed()) {
    const conntrack::EventSourceStats events = events_ ? events_->stats() : conntrack::EventSourceStats{};
    spdlog::warn("everything was read again; until now {} conntrack events were lost, at most {} connections missed",
                 events.lost, events.missed_at_most);
  }
}

void ConntrackPart::run(flowstore::Now now) {
  follow_bridge(now);
  if (phase_ == Phase::idle || phase_ == Phase::preparing) follow_settings(now);
  work_left_ = state_.store.sweep(flows_judged_per_turn, now);
  if (scan_ == nullptr) return;
  const bool drained = follow_events(now);
  // Not before the sweep is through: what a forgotten zone kept alive would be seen again by a scan that ran meanwhile.
  if (phase_ == Phase::idle && !work_left_ && now.monotonic_ms >= next_poll_ms_) begin_poll(now);
  if (phase_ == Phase::settling) {
    if (drained) end_scan(ZoneScan::Progress::complete, now);
    work_left_ = true;
  } else if (phase_ != Phase::idle) {
    step_scan(now);
  }
}

void ConntrackPart::step_scan(flowstore::Now now) {
  const ZoneScan::Progress progress = scan_->step(now);
  if (progress == ZoneScan::Progress::waiting) return;
  work_left_ = true;
  if (progress == ZoneScan::Progress::more) return;
  const bool complete = progress == ZoneScan::Progress::complete;
  if (phase_ == Phase::preparing) {
    // Without the datapath's flows, counters are those of the last poll; the connections are still read.
    if (!complete) note_failure("datapath flows");
    begin_scan(now);
  } else if (complete && events_) {
    phase_ = Phase::settling;
  } else {
    end_scan(progress, now);
  }
}

void ConntrackPart::wait(flowstore::Now) {
  // Commands, which come after the parts have run, may have asked for a sweep.
  if (work_left_ || state_.store.sweep_wanted()) ofe_ovs_poll_immediate_wake();
  if (scan_ == nullptr) return;
  if (events_) events_->wait();
  if (phase_ == Phase::idle) {
    ofe_ovs_poll_timer_wait_until(next_poll_ms_);
  } else if (phase_ != Phase::settling) {
    scan_->wait();
  }
}

}  // namespace ofe
