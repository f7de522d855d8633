#include "ovs-plugin/exporter/zones_part.h"

#include <spdlog/fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace ofe {
namespace {

constexpr std::int64_t soonest_again_ms = 1'000;
constexpr std::int64_t longest_interval_ms = 600'000;
constexpr std::size_t most_said = 100;

// A zone that the rules have no more: how many polls it is still watched, at least. An agent that starts again has its
// rules back within seconds.
constexpr std::int64_t held_polls = 6;

}  // namespace

std::int64_t rules_interval_ms(std::int64_t poll_interval_ms, std::int64_t cost_ms) {
  return std::min(std::max(2 * poll_interval_ms, 100 * cost_ms), longest_interval_ms);
}

const char* ZonesPart::source() const {
  if (!state_.settings.zones_from_rules) return "ovsFlowExporter.zones";
  return state_.zones_known() ? "rules" : "default";
}

void ZonesPart::run(flowstore::Now now) {
  work_left_ = false;
  follow_bridge(now);
  if (!reading_ && now.monotonic_ms >= due_ms_) begin(now);
  if (!reading_) return;
  switch (reading_->step(now)) {
    case RulesReading::Progress::more:
      work_left_ = true;
      break;
    case RulesReading::Progress::waiting:
      break;
    case RulesReading::Progress::done:
      end(true, now);
      break;
    case RulesReading::Progress::failed:
      end(false, now);
      break;
  }
}

void ZonesPart::wait(flowstore::Now) {
  if (work_left_) return ofe_ovs_poll_immediate_wake();
  if (reading_) return reading_->wait();
  if (due_ms_ != INT64_MAX) ofe_ovs_poll_timer_wait_until(due_ms_);
}

void ZonesPart::follow_bridge(flowstore::Now now) {
  const bool wanted = state_.settings.zones_from_rules && ovsdb_.bridge().found;
  if (bridge_ != state_.settings.bridge || (!state_.settings.zones_from_rules && !list_.zones().empty())) {
    bridge_ = state_.settings.bridge;
    reading_.reset();
    due_ms_ = INT64_MAX;
    earliest_ms_ = retry_ms_ = 0;
    stats_.unresolved.clear();
    list_.clear();
    state_.watch({}, now);
  }
  if (!wanted) {
    // What a bridge that is made anew commits to is not known before its rules are back: nothing is taken out.
    reading_.reset();
    due_ms_ = INT64_MAX;
    seqno_ = 0;
  } else if (seqno_ != ovsdb_.seqno()) {
    seqno_ = ovsdb_.seqno();
    due_ms_ = std::min(due_ms_, std::max(now.monotonic_ms, earliest_ms_));
  }
}

void ZonesPart::begin(flowstore::Now now) {
  const std::string socket = std::string(ofe_ovs_rundir()) + "/" + bridge_ + ".mgmt";
  budget_.set_share_percent(state_.settings.vswitchd_share_percent, now.monotonic_ms);
  reading_ = std::make_unique<RulesReading>(state_, budget_, socket, now);
  due_ms_ = INT64_MAX;
}

void ZonesPart::end(bool good, flowstore::Now now) {
  const std::unique_ptr<RulesReading> reading = std::exchange(reading_, nullptr);
  stats_.last_cost_ms = reading->cost_ms();
  const std::int64_t interval_ms = rules_interval_ms(state_.settings.poll_interval_ms, reading->cost_ms());
  earliest_ms_ = now.monotonic_ms + std::max(soonest_again_ms, 20 * reading->cost_ms());
  if (good) {
    ++stats_.readings;
    stats_.last_error.clear();
    stats_.last_reading_wall_ms = now.wall_ms;
    stats_.last_reading_ms = now.monotonic_ms - reading->began_ms();
    stats_.rules = reading->rules();
    stats_.undecodable = reading->undecodable();
    stats_.tables_too_long = reading->tables_too_long();
    stats_.writes_dropped = reading->facts().writes_dropped();
    stats_.readings_incomplete += !reading->complete();
    stats_.interval_ms = interval_ms;
    retry_ms_ = 0;
    zones::Resolution resolution = reading->facts().resolve();
    stats_.unresolved = resolution.unresolved;
    stats_.unresolved_more = resolution.unresolved_more;
    take_in(std::move(resolution), reading->complete(), now);
  } else {
    ++stats_.readings_failed;
    stats_.last_error = reading->error();
    retry_ms_ = std::min(std::max(2 * retry_ms_, soonest_again_ms), interval_ms);
    stats_.interval_ms = retry_ms_;
    if (said_.size() < most_said && said_.insert(reading->error()).second) {
      spdlog::warn("OpenFlow rules of bridge {}: {}; the zones watched stay, tried again", bridge_, reading->error());
    }
    take_in({}, false, now);
  }
  due_ms_ = now.monotonic_ms + stats_.interval_ms;
}

void ZonesPart::take_in(zones::Resolution resolution, bool complete, flowstore::Now now) {
  for (const record::ExternalId& id : ovsdb_.bridge().external_ids) {
    zones::add_ovn_zone(id.key, id.value, resolution);
  }
  const std::int64_t hold_ms = held_polls * state_.settings.poll_interval_ms;
  report(resolution);
  if (!list_.follow(resolution, complete, hold_ms, {now.monotonic_ms, now.wall_ms})) return;
  state_.watch(list_.numbers(), now);
  spdlog::info("bridge {}: zones watched: {}", bridge_, fmt::join(list_.numbers(), " "));
}

void ZonesPart::report(const zones::Resolution& resolution) {
  for (const zones::Unresolved& one : resolution.unresolved) {
    const std::string text = to_string(one.rule) + ": zone from " + one.field + ": " + one.why;
    if (said_.size() < most_said && said_.insert(text).second) {
      spdlog::warn("bridge {}: {}; connections in such a zone are not seen unless ovsFlowExporter.zones lists it",
                   bridge_, text);
    }
  }
}

}  // namespace ofe
