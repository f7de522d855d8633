// The model from one process to the next.
#include <algorithm>

#include "store_model.h"

namespace flowstore {

void StoreModel::suspend(Now now) {
  make_all_due(now);
  suspended_ = true;
  for (ModelFlow& flow : flows_) flow.end_told = flow.end_told && flow.unseen;
}

ModelFlow* StoreModel::find_like(const Baseline& baseline) {
  for (ModelFlow& flow : flows_) {
    Flow shown = flow.shows;
    EndReason reason = flow.end_reason;
    if (!shown.ended && shown.id == 0 && !flow.start_known) {
      if (shown.pending == Counters{}) continue;
      shown.ended = true;
      reason = EndReason::forced_end;
    }
    const bool same_end =
        shown.ended ? flow.either_reason || reason == baseline.end_reason : flow.end_told == baseline.end_told;
    if (describe(shown) == describe(baseline.flow) && flow.start_known == baseline.start_known && same_end)
      return &flow;
  }
  return nullptr;
}

void StoreModel::resume(ModelFlow& flow, bool refused, Now now) {
  const auto at = std::find_if(flows_.begin(), flows_.end(), [&](const ModelFlow& of) { return &of == &flow; });
  if (refused) {
    ++resume_refused_;
    flows_.erase(at);
    return;
  }
  resumed_.splice(resumed_.end(), flows_, at);
  if (!flow.shows.ended && flow.shows.id == 0 && !flow.start_known) {
    flow.shows.ended = true;
    flow.end_reason = EndReason::forced_end;
  }
  flow.on_key = true;
  for (ModelFlow& earlier : resumed_) {
    const bool same_key = earlier.shows.original == flow.shows.original && earlier.shows.reply == flow.shows.reply;
    if (&earlier == &flow || !same_key || !earlier.on_key) continue;
    (earlier.shows.ended ? earlier.on_key : flow.on_key) = false;
  }
  flow.idle_exported = false;
  flow.flush_due.reset();
  flow.zones.clear();
  flow.unseen = !flow.shows.ended;
  if (flow.unseen) flow.zones[flow.shows.zone] = {};
  if (flow.shows.ended) flow.ended_at = now.monotonic_ms;
  if (flow.shows.ended) flow.end_order = ++ends_;
}

void StoreModel::begin_again(Limits limits, ExportTiming timing, Now now) {
  flows_ = std::move(resumed_);
  resumed_.clear();
  limits_ = limits;
  timing_ = timing;
  suspended_ = false;
  stats_ = {};
  stats_.resumed = flows_.size();
  stats_.resume_refused = resume_refused_;

  // Where the clock was while nobody looked is not known: as if it had been set to where it is.
  moments_ = {{now.monotonic_ms, never}, now};
  const auto before = std::move(zones_);
  zones_.clear();
  if (resume_refused_ != 0) {
    births_from_ = now.wall_ms;
  } else {
    for (const auto& [zone, was] : before) zones_[zone].births_from = was.births_from;
  }
  resume_refused_ = 0;
}

// The phase of its deadlines is still that of its first observation.
void StoreModel::seen_again(ModelFlow& flow, Now now) {
  flow.unseen = false;
  flow.idle_exported = false;
  flow.last_growth = now.monotonic_ms;
  flow.period_start = flow.shows.first_monotonic_ms;
  while (flow.period_start + timing_.active_ms <= now.monotonic_ms) flow.period_start += timing_.active_ms;
  flow.active_due = flow.period_start + timing_.active_ms;
}

}  // namespace flowstore
