// The model's deadlines and exports.
#include <algorithm>

#include "store_model.h"

namespace flowstore {
void StoreModel::start_deadlines(ModelFlow& flow, Now now) {
  flow.idle_exported = false;
  flow.period_start = now.monotonic_ms;
  flow.active_due = now.monotonic_ms + timing_.active_ms;
  flow.last_growth = now.monotonic_ms;
}

std::int64_t StoreModel::due(const ModelFlow& flow) const {
  if (flow.shows.ended) return flow.ended_at;
  if (flow.unseen) return never;
  if (flow.flush_due) return *flow.flush_due;
  if (flow.idle_exported || suspended_) return never;
  return std::min(flow.active_due, timing_.idle_ms > 0 ? flow.last_growth + timing_.idle_ms : never);
}

std::optional<std::int64_t> StoreModel::earliest_due() const {
  std::int64_t earliest = never;
  for (const ModelFlow& flow : flows_) earliest = std::min(earliest, due(flow));
  return earliest == never ? std::nullopt : std::optional(earliest);
}

void StoreModel::set_timing(ExportTiming timing, Now now) {
  timing_ = timing;
  for (ModelFlow& flow : flows_) {
    if (flow.shows.ended || flow.unseen) continue;
    if (flow.idle_exported && timing_.idle_ms == 0) {
      flow.idle_exported = false;
      flow.period_start = now.monotonic_ms;
      flow.active_due = never;
    }
    if (!flow.idle_exported) flow.active_due = std::min(flow.active_due, flow.period_start + timing_.active_ms);
  }
}

void StoreModel::make_all_due(Now now) {
  for (ModelFlow& flow : flows_) {
    if (!flow.shows.ended && !flow.unseen) flow.flush_due = std::min(due(flow), now.monotonic_ms);
  }
}

EndReason StoreModel::reason_if_exported(const ModelFlow& flow, Now now) const {
  if (flow.shows.ended) return flow.end_reason;
  if (suspended_) return EndReason::forced_end;
  const bool idle = timing_.idle_ms > 0 && now.monotonic_ms >= flow.last_growth + timing_.idle_ms;
  return idle && !flow.idle_exported ? EndReason::idle_timeout : EndReason::active_timeout;
}

void StoreModel::accept_export(ModelFlow& flow, Now now) {
  ++stats_.exported;
  if (flow.shows.ended) {
    flows_.remove_if([&](const ModelFlow& of) { return &of == &flow; });
    return;
  }
  if (reason_if_exported(flow, now) == EndReason::idle_timeout) flow.idle_exported = true;
  flow.end_told = suspended_;
  add(flow.delivered, flow.shows.pending);
  flow.shows.pending = {};
  ++flow.shows.exports;
  flow.flush_due.reset();
  while (flow.active_due <= now.monotonic_ms) {
    flow.period_start = flow.active_due;
    flow.active_due += timing_.active_ms;
  }
}

ModelFlow* StoreModel::find_like(const Flow& shown) {
  const std::string wanted = describe(shown);
  ModelFlow* found = nullptr;
  for (ModelFlow& flow : flows_) {
    if (describe(flow.shows) == wanted && (!found || due(flow) < due(*found))) found = &flow;
  }
  return found;
}

Stats StoreModel::stats() const {
  Stats stats = stats_;
  for (const ModelFlow& flow : flows_) {
    ++stats.flows;
    if (flow.shows.ended) ++stats.ended_waiting;
    if (flow.shows.statistics == Statistics::none) ++stats.without_statistics;
    if (flow.unseen) ++stats.resumed_unseen;
  }
  return stats;
}

}  // namespace flowstore
