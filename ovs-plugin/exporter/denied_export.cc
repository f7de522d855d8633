#include "ovs-plugin/exporter/denied_export.h"

#include <algorithm>

#include "ovs-plugin/exporter/denied_names.h"
#include "ovs-plugin/ovs/ovs.h"

namespace ofe {
namespace {

constexpr std::size_t drops_per_turn = 1'000;      // a few microseconds each where records are due
constexpr std::int64_t round_interval_ms = 1'000;  // every drop is looked at so often
constexpr std::int64_t default_idle_ms = 180'000;

}  // namespace

std::int64_t DeniedExport::idle_ms() const {
  return state_.settings.idle_timeout_ms.value_or(default_idle_ms);
}

bool DeniedExport::is_wanted(const denied::Drop& drop, bool ended) {
  const config::Config& settings = state_.settings;
  if (settings.denied_flows == config::DeniedFlows::policy && drop.verdict.kind != denied::DropKind::policy) {
    stats_.not_of_policy += ended;
    stats_.unclassified += ended && drop.verdict.kind == denied::DropKind::unclassified;
    return false;
  }
  if (!drop.key.is_ip()) {
    stats_.not_ip += ended;
    return false;
  }
  const std::uint8_t protocol = denied::pinned_values(drop.key).protocol;
  if (!settings.protocols.empty() && std::ranges::find(settings.protocols, protocol) == settings.protocols.end()) {
    stats_.filtered_protocol += ended;
    return false;
  }
  return true;
}

// False: not now, the queue is full.
bool DeniedExport::export_one(denied::Drop& drop, flowstore::EndReason reason, Collectors& collectors,
                              flowstore::Now now) {
  pin_names(state_, drop);
  if (collectors.empty()) {
    ++stats_.without_collector;
  } else {
    ipfix::RecordWriter out(buffer_);
    state_.layout.encode(
        {drop, drop.packets - std::min(drop.packets, drop.exported_packets),
         drop.octets - std::min(drop.octets, drop.exported_octets), reason, state_.names.encoded(drop.names)},
        out);
    if (out.overflow()) {
      ++stats_.not_encodable;
      collectors.lose(1, drop.packets - std::min(drop.packets, drop.exported_packets),
                      drop.octets - std::min(drop.octets, drop.exported_octets), now);
    } else if (collectors.export_record(record::denied_template_of(drop), out.written(), now)) {
      ++stats_.records;
    } else {
      return false;
    }
  }
  ++drop.exports;
  drop.exported_packets = drop.packets;
  drop.exported_octets = drop.octets;
  drop.exported_monotonic_ms = now.monotonic_ms;
  return true;
}

bool DeniedExport::leaves(denied::Drop& drop, Collectors& collectors, flowstore::Now now) {
  if (!drop.asked && !shutting_down_) return false;  // what it is will be known in a moment
  if (drop.names == 0) pin_names(state_, drop);
  const bool idle = drop.megaflows == 0 && now.monotonic_ms - drop.grown_monotonic_ms >= idle_ms();
  const bool ended = idle || shutting_down_;
  const bool grown = drop.exports == 0 || drop.packets != drop.exported_packets;
  const bool due = grown && now.monotonic_ms - drop.exported_monotonic_ms >= export_timing(state_.settings).active_ms;
  if (!ended && !due) return false;
  const flowstore::EndReason reason = shutting_down_ ? flowstore::EndReason::forced_end
                                      : idle         ? flowstore::EndReason::idle_timeout
                                                     : flowstore::EndReason::active_timeout;
  if (is_wanted(drop, ended) && !export_one(drop, reason, collectors, now)) return false;
  if (!ended) return false;
  ++stats_.ended;
  state_.names.release(drop.names);
  drop.names = 0;
  return true;
}

void DeniedExport::run(Collectors& collectors, flowstore::Now now) {
  if (!more_ && now.monotonic_ms < next_round_ms_ && !shutting_down_) return;
  if (!more_) next_round_ms_ = now.monotonic_ms + round_interval_ms;
  if (!collectors.can_accept(record::max_record_octets)) {
    more_ = false;  // the socket wakes us
    return;
  }
  if (shutting_down_) state_.denied.forget_megaflows();
  more_ = state_.denied.visit_some(drops_per_turn, [&](denied::Drop& drop) { return leaves(drop, collectors, now); });
}

void DeniedExport::wait(const Collectors& collectors) const {
  if (state_.denied.size() == 0 || !collectors.can_accept(record::max_record_octets)) return;
  if (more_) return ofe_ovs_poll_immediate_wake();
  ofe_ovs_poll_timer_wait_until(next_round_ms_);
}

}  // namespace ofe
