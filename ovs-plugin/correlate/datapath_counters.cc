#include "ovs-plugin/correlate/datapath_counters.h"

#include <netinet/in.h>

#include "flowstore/address.h"

namespace ofe::correlate {

DatapathCounters::DatapathCounters(std::size_t max_tuples, std::int64_t unclaimed_ms)
    : max_tuples_(max_tuples), unclaimed_ms_(unclaimed_ms) {}

// OVS 3.1 keeps NetFlow of IPv4 only (ofproto/netflow.c: netflow_mask_wc, netflow_flow_update), and of ICMP without the
// identifier that tells two pings apart.
bool DatapathCounters::netflow_counts(const flowstore::Tuple& tuple) const {
  return netflow_active_ && flowstore::is_ipv4(tuple.source) &&
         (tuple.protocol == IPPROTO_TCP || tuple.protocol == IPPROTO_UDP);
}

DatapathCounters::Count* DatapathCounters::count_of(const flowstore::Tuple& tuple, flowstore::Now now) {
  const auto found = tuples_.find(tuple);
  if (found != tuples_.end()) return &found->second;
  if (tuples_.size() >= max_tuples_) {
    ++stats_.refused_full;
    return nullptr;
  }
  Count& count = tuples_[tuple];
  count.claimed_ms = now.monotonic_ms;
  return &count;
}

void DatapathCounters::add_netflow(const datapath::NetflowRecord& record, flowstore::Now now) {
  if (!netflow_counts(record.tuple)) return;
  if (Count* count = count_of(record.tuple, now)) {
    count->packets += record.packets;
    count->octets += record.octets;
  }
}

void DatapathCounters::add_pinned(const datapath::PinnedCounters& flow, flowstore::Now now) {
  if (netflow_counts(flow.tuple)) return;
  MegaflowCount& last = megaflows_[flow.ufid];
  last.dump = dump_;
  // The same ufid can come back after expiry with counters from zero, and in theory for another tuple.
  if (flow.packets < last.packets || flow.octets < last.octets || last.tuple != flow.tuple) {
    if (last.packets != 0) ++stats_.counter_restarts;
    last.packets = last.octets = 0;
    last.tuple = flow.tuple;
  }
  if (Count* count = count_of(flow.tuple, now)) {
    count->packets += flow.packets - last.packets;
    count->octets += flow.octets - last.octets;
  }
  last.packets = flow.packets;
  last.octets = flow.octets;
}

void DatapathCounters::end_dump() {
  absl::erase_if(megaflows_, [this](const auto& entry) { return entry.second.dump != dump_; });
}

void DatapathCounters::apply(flowstore::Observation& seen, flowstore::Now now) {
  if (seen.statistics != flowstore::Statistics::none) return;
  const auto original = tuples_.find(seen.original);
  const auto reply = tuples_.find(seen.reply);
  seen.counters = {};
  if (original != tuples_.end()) {
    seen.counters.packets = original->second.packets;
    seen.counters.octets = original->second.octets;
    original->second.claimed_ms = now.monotonic_ms;
    seen.statistics = flowstore::Statistics::exact;
  }
  if (reply != tuples_.end()) {
    seen.counters.reverse_packets = reply->second.packets;
    seen.counters.reverse_octets = reply->second.octets;
    reply->second.claimed_ms = now.monotonic_ms;
    seen.statistics = flowstore::Statistics::exact;
  }
}

void DatapathCounters::forget(const flowstore::Tuple& original, const flowstore::Tuple& reply) {
  tuples_.erase(original);
  tuples_.erase(reply);
}

void DatapathCounters::expire(flowstore::Now now) {
  stats_.expired += absl::erase_if(
      tuples_, [&](const auto& entry) { return now.monotonic_ms - entry.second.claimed_ms > unclaimed_ms_; });
}

DatapathCounterStats DatapathCounters::stats() const {
  DatapathCounterStats now = stats_;
  now.tuples = tuples_.size();
  now.megaflows = megaflows_.size();
  return now;
}

}  // namespace ofe::correlate
