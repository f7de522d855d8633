#include "ovs-plugin/exporter/observation_batch.h"

namespace ofe {
namespace {

bool opening(flowstore::TcpState state) {
  return state == flowstore::TcpState::syn_sent || state == flowstore::TcpState::syn_received;
}

// A new connection on tuples that are still counted for the old one (the store will end it): counting starts at zero.
void forget_predecessor(State& state, const flowstore::Observation& seen) {
  if (seen.statistics != flowstore::Statistics::none || seen.id != 0 || !opening(seen.tcp_state)) return;
  const flowstore::Flow* known = state.store.find(seen.original, seen.reply);
  if (known != nullptr && known->tcp_state >= flowstore::TcpState::established) {
    state.counters.forget(seen.original, seen.reply);
  }
}

void name_new_flow(State& state, const flowstore::Observation& seen) {
  const flowstore::Flow* flow = state.store.find(seen.original, seen.reply);
  if (flow == nullptr) return;
  flowstore::Flow named = *flow;
  state.name(named);
  if (named.names != flow->names) state.store.set_names(seen.original, seen.reply, named.names);
}

}  // namespace

void ObservationBatch::flush(State& state, flowstore::Now now) {
  std::erase_if(seen_, [&](const flowstore::Observation& seen) { return !state.node_flows.admits(seen); });
  for (const flowstore::Observation& seen : seen_) {
    if (seen.sight != flowstore::Sight::entry) continue;
    state.zone_entries.add(seen.zone);
    forget_predecessor(state, seen);
  }
  state.counters.apply(seen_, now);
  results_.resize(seen_.size());
  state.store.observe_batch(seen_, now, results_);
  for (std::size_t i = 0; i < seen_.size(); ++i) {
    // One that is over already gets its names with its record, in a moment.
    if (seen_[i].sight == flowstore::Sight::gone) continue;
    if (results_[i] == flowstore::ObserveResult::created || results_[i] == flowstore::ObserveResult::restarted) {
      name_new_flow(state, seen_[i]);
    }
  }
  seen_.clear();
}

}  // namespace ofe
