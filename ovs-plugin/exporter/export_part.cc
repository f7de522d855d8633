#include "ovs-plugin/exporter/export_part.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "ovs-plugin/ovs/ovs.h"

namespace ofe {
namespace {

constexpr std::size_t records_per_turn = 1'000;  // about a microsecond each

bool passes_filter(const config::Config& settings, const flowstore::Flow& flow) {
  return settings.protocols.empty() || std::find(settings.protocols.begin(), settings.protocols.end(),
                                                 flow.original.protocol) != settings.protocols.end();
}

}  // namespace

void ExportPart::follow_settings(flowstore::Now now) {
  if (generation_ == state_.settings_generation) return;
  generation_ = state_.settings_generation;
  const config::Config& settings = state_.settings;
  observation_domain_ = settings.observation_domain_id.value_or(record::observation_domain_of(state_.node_name));
  const bool had_some = !collectors_.empty();
  collectors_.follow_settings(observation_domain_, now);
  resumed_.set_ours(state_.layout.templates());
  if (collectors_.empty() && (had_some || generation_ == 1)) {
    spdlog::warn(settings.enabled ? "flowCollectorAddr is not set: flows are kept and shown, none is exported"
                                  : "the FlowExporter feature gate is off: flows are kept and shown, none is exported");
  }
}

// False keeps the flow due: nothing is lost while the queue is full, the store keeps counting.
bool ExportPart::export_one(flowstore::Export& due, flowstore::Now now) {
  const config::Config& settings = state_.settings;
  if (!passes_filter(settings, due.flow)) {
    stats_.filtered_protocol += due.flow.ended;
    return true;
  }
  if (!state_.exported_here(due.flow)) {
    stats_.exported_elsewhere += due.flow.ended;
    return true;
  }
  if (collectors_.empty()) {
    ++stats_.without_collector;
    return true;
  }
  state_.name(due.flow);
  const std::uint16_t template_id = record::template_of(due.flow);
  const std::span<std::uint8_t> room = collectors_.room(template_id);
  ipfix::RecordWriter out(room.empty() ? std::span<std::uint8_t>(buffer_) : room);
  state_.layout.encode(
      {due.flow, due.delta, due.reason, state_.names.encoded(due.flow.names), state_.ports_for(due.flow)}, out);
  if (out.overflow()) {
    ++stats_.not_encodable;
    collectors_.lose(1, due.delta.packets + due.delta.reverse_packets, due.delta.octets + due.delta.reverse_octets,
                     now);
    return true;
  }
  if (!collectors_.export_record(template_id, out.written(), now)) return false;
  ++stats_.records;
  return true;
}

// A full store gave an ended flow's place to a new one before its last record was out.
void ExportPart::account_for_evicted(flowstore::Now now) {
  const std::uint64_t evicted = state_.store.stats().evicted_ended;
  if (evicted != evicted_ended_) collectors_.lose(evicted - evicted_ended_, 0, 0, now);
  evicted_ended_ = evicted;
}

// Living flows at the pace that their number asks for, ended ones and those of a shutdown at once.
void ExportPart::export_due(flowstore::Now now) {
  const std::int64_t interval_ms = export_timing(state_.settings).active_ms;
  const bool paced = !collectors_.empty() && !shutting_down_;
  const std::size_t allowed =
      paced ? pace_.allowance(state_.store.stats().flows, interval_ms, now.monotonic_ms) : records_per_turn;
  std::size_t living = 0;
  const std::size_t taken = state_.store.export_due(
      now, records_per_turn,
      [&](flowstore::Export& due) {
        if (!export_one(due, now)) return false;
        living += due.flow.ended ? 0u : 1u;
        return true;
      },
      allowed);
  if (paced) pace_.took(living);
  more_due_ = taken == records_per_turn || (!collectors_.empty() && !resumed_.empty());
  held_back_ = paced && living == allowed;
}

void ExportPart::run(flowstore::Now now) {
  follow_settings(now);
  account_for_evicted(now);
  more_due_ = false;
  if (!collectors_.empty()) {
    resumed_.hand_over(records_per_turn,
                       [&](std::string_view name, std::uint16_t id, std::span<const std::uint8_t> record) {
                         return collectors_.export_record_to(name, id, record, now);
                       });
  }
  if (collectors_.can_accept(record::max_record_octets)) {
    export_due(now);
    denied_.run(collectors_, now);
    if (shutting_down_ && !more_due_ && denied_.finished()) collectors_.finish(now);
  }
  collectors_.run(now);
}

void ExportPart::wait(flowstore::Now now) {
  collectors_.wait();
  if (more_due_) ofe_ovs_poll_immediate_wake();
  denied_.wait(collectors_);
  // With full queues a socket wakes us; a due flow must not make the loop spin meanwhile.
  const auto deadline = state_.store.next_deadline_ms();
  if (deadline && collectors_.can_accept(record::max_record_octets)) {
    ofe_ovs_poll_timer_wait_until(std::max(*deadline, held_back_ ? pace_.next_ms() : now.monotonic_ms));
  }
}

void ExportPart::begin_shutdown(flowstore::Now now) {
  if (shutting_down_) return;
  shutting_down_ = true;
  state_.store.suspend(now);
  denied_.begin_shutdown();
}

bool ExportPart::finished() const {
  return collectors_.empty() ||
         (resumed_.empty() && !state_.store.next_deadline_ms() && denied_.finished() && collectors_.drained());
}

bool ExportPart::is_wanted(const flowstore::Flow& flow) const {
  return passes_filter(state_.settings, flow) &&
         record::exported_here(flow, state_.directory, state_.ports, state_.naming);
}

void ExportPart::for_each_unsent(const Collectors::Visit& visit) {
  collectors_.for_each_unsent(visit);
  resumed_.for_each(visit);
}

}  // namespace ofe
