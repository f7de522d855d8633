#include "ovs-plugin/correlate/datapath_counters.h"

#include <netinet/in.h>

#include <utility>

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
  if (Count* found = tuples_.find(tuple)) return found;
  if (tuples_.size() >= max_tuples_) {
    ++stats_.refused_full;
    return nullptr;
  }
  Count& count = tuples_[tuple];
  count.claimed_ms = now.monotonic_ms;
  count.first_poll = polls_;
  return &count;
}

void DatapathCounters::add_netflow(const datapath::NetflowRecord& record, flowstore::Now now) {
  if (!netflow_counts(record.tuple)) return;
  if (Count* count = count_of(record.tuple, now)) {
    count->packets += record.packets;
    count->octets += record.octets;
  }
}

void DatapathCounters::begin_dump() {
  ++dump_;
  ending_slice_ = expiring_slice_ = 0;
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

bool DatapathCounters::end_dump(std::size_t budget) {
  return megaflows_.erase_some(ending_slice_, budget, [this](const MegaflowCount& last) { return last.dump != dump_; });
}

void DatapathCounters::apply(flowstore::Observation& seen, flowstore::Now now) {
  if (seen.statistics != flowstore::Statistics::none) return;
  seen.counters = {};
  if (Count* original = tuples_.find(seen.original)) {
    seen.counters.packets = original->packets;
    seen.counters.octets = original->octets;
    original->claimed_ms = now.monotonic_ms;
    original->of_connection = true;
    seen.statistics = flowstore::Statistics::exact;
  }
  if (Count* reply = tuples_.find(seen.reply)) {
    seen.counters.reverse_packets = reply->packets;
    seen.counters.reverse_octets = reply->octets;
    reply->claimed_ms = now.monotonic_ms;
    reply->of_connection = true;
    seen.statistics = flowstore::Statistics::exact;
  }
}

void DatapathCounters::forget(const flowstore::Tuple& original, const flowstore::Tuple& reply) {
  tuples_.erase(original);
  tuples_.erase(reply);
}

// A poll may have been under way when the first packet was reported, past the connection: the one after it counts.
std::optional<DatapathCounters::Dropped> DatapathCounters::take_dropped(const flowstore::Tuple& tuple,
                                                                        flowstore::Now now) {
  if (!netflow_counts(tuple)) return std::nullopt;
  Count* count = tuples_.find(tuple);
  if (count == nullptr || count->of_connection || polls_ - count->first_poll < 2) return std::nullopt;
  count->dropped = true;
  count->claimed_ms = now.monotonic_ms;
  return Dropped{std::exchange(count->packets, 0), std::exchange(count->octets, 0)};
}

bool DatapathCounters::expire(flowstore::Now now, std::size_t budget) {
  return tuples_.erase_some(expiring_slice_, budget, [&](const Count& count) {
    const bool gone = now.monotonic_ms - count.claimed_ms > unclaimed_ms_;
    if (gone && !count.dropped) ++stats_.expired;
    return gone;
  });
}

DatapathCounterStats DatapathCounters::stats() const {
  DatapathCounterStats now = stats_;
  now.tuples = tuples_.size();
  now.megaflows = megaflows_.size();
  return now;
}

}  // namespace ofe::correlate
