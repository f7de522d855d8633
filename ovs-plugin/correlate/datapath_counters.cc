#include "ovs-plugin/correlate/datapath_counters.h"

#include <algorithm>
#include <utility>

namespace ofe::correlate {
namespace {

constexpr double most_percent = 1'000'000;

double error_percent(std::uint64_t counted, std::uint64_t shared, std::uint64_t others) {
  const double may_differ = static_cast<double>(std::max(shared, others));
  if (may_differ == 0) return 0;
  return counted == 0 ? most_percent : std::min(most_percent, 100 * may_differ / static_cast<double>(counted));
}

double error_percent(const Direction* direction) {
  if (direction == nullptr || !direction->marked()) return 0;
  const Direction& d = *direction;
  if (d.lossy || (!d.estimated && d.fragmented)) return most_percent;
  return std::max(error_percent(d.total.packets, d.shared.packets, d.others.packets),
                  error_percent(d.total.octets, d.shared.octets, d.others.octets));
}

// By how many percent of itself the worst counter of a connection may differ from the truth, up or down: it has at
// least what is no share, and at most what all shared megaflows counted while it was under them. At most 1,000,000,
// which also says that packets were counted that nobody saw, and how many cannot be told. Null: not counted.
double relative_error_percent(const Direction* original, const Direction* reply) {
  return std::max(error_percent(original), error_percent(reply));
}

// Conntrack renews an entry's timeout with each packet: one that has gone down by as many seconds as went by had none.
// Seconds are cut off, so what had its packets right after the last look may pass for idle. Remembers what it was
// shown.
bool had_packets(Direction& original, const flowstore::Observation& seen, flowstore::Now now) {
  const std::int64_t elapsed_s = std::max<std::int64_t>(1, (now.monotonic_ms - original.timeout_seen_ms) / 1000);
  const bool renewed = std::int64_t{seen.timeout_s} > std::int64_t{original.timeout_s} - elapsed_s;
  const bool active = !original.connection || renewed || seen.tcp_state != original.tcp_state;
  original.timeout_s = seen.timeout_s;
  original.tcp_state = seen.tcp_state;
  original.timeout_seen_ms = now.monotonic_ms;
  return active;
}

// What comes from an event is the kernel's, which counts itself.
bool is_uncounted(const flowstore::Observation& seen) {
  return seen.statistics == flowstore::Statistics::none && seen.sight == flowstore::Sight::entry;
}

}  // namespace

DatapathCounters::DatapathCounters(std::size_t max_tuples, std::int64_t unclaimed_ms)
    : unclaimed_ms_(unclaimed_ms), directions_(max_tuples), join_(directions_, unclaimed_ms) {}

void DatapathCounters::add_netflow(const datapath::NetflowRecord& record, flowstore::Now now) {
  if (!netflow_active_ || !netflow_covers(record.tuple)) return;
  if (record.tuple.source_port == 0 && record.tuple.destination_port == 0) {
    return join_.add_later_fragments(record.tuple, {record.packets, record.octets}, now);
  }
  const DirectionId id = directions_.make(record.tuple, now);
  if (id == no_direction) return;
  if (!directions_[id].counted && !directions_[id].connection) directions_[id].first_poll = polls_;
  directions_[id].counted = true;
  directions_[id].total += {record.packets, record.octets};
}

void DatapathCounters::begin_dump(flowstore::Now now) {
  join_.begin_dump(now);
  expiring_ = false;
  expiring_next_ = 0;
}

bool DatapathCounters::settle(std::span<const std::uint16_t> watched_zones, flowstore::Now now, std::size_t budget) {
  if (!expiring_) {
    expiring_ = !join_.settle({watched_zones, netflow_active_}, now, budget);
    return true;
  }
  if (expire(now, budget)) return true;
  expiring_ = false;
  return false;
}

Direction* DatapathCounters::claim(DirectionId id, std::uint16_t zone, bool active, flowstore::Now now) {
  if (id == no_direction) return nullptr;
  directions_[id].claimed_ms = now.monotonic_ms;
  join_.claim(id, zone, active, {{}, netflow_active_});
  return &directions_[id];
}

// What tables of many megabytes have of a few is fetched for all of them, so that the waits overlap.
void DatapathCounters::apply(std::span<flowstore::Observation> seen, flowstore::Now now) {
  constexpr std::size_t at_once = 16;
  for (; !seen.empty(); seen = seen.subspan(std::min(at_once, seen.size()))) {
    const auto some = seen.first(std::min(at_once, seen.size()));
    for (const flowstore::Observation& one : some) {
      if (!is_uncounted(one)) continue;
      directions_.prefetch(one.original);
      directions_.prefetch(one.reply);
    }
    for (const flowstore::Observation& one : some) {
      if (!is_uncounted(one)) continue;
      for (const flowstore::Tuple* tuple : {&one.original, &one.reply}) {
        if (const DirectionId id = directions_.id_of(*tuple); id != no_direction) directions_.prefetch(id);
      }
    }
    for (flowstore::Observation& one : some) {
      if (is_uncounted(one)) apply_one(one, now);
    }
  }
}

void DatapathCounters::apply_one(flowstore::Observation& seen, flowstore::Now now) {
  seen.counters = {};
  const DirectionId there = directions_.make(seen.original, now), back = directions_.make(seen.reply, now);
  const bool active = there == no_direction || had_packets(directions_[there], seen, now);
  const Direction* original = claim(there, seen.zone, active, now);
  const Direction* reply = claim(back, seen.zone, active, now);
  if (original != nullptr) {
    seen.counters.packets = original->total.packets;
    seen.counters.octets = original->total.octets;
  }
  if (reply != nullptr) {
    seen.counters.reverse_packets = reply->total.packets;
    seen.counters.reverse_octets = reply->total.octets;
  }
  const auto counted = [](const Direction* one) { return one != nullptr && one->counted; };
  const auto estimated = [](const Direction* one) { return one != nullptr && one->marked(); };
  if (!counted(original) && !counted(reply)) return;
  const bool marked = estimated(original) || estimated(reply);
  seen.statistics = marked ? flowstore::Statistics::estimated : flowstore::Statistics::exact;
  if (marked) seen.relative_error_percent = static_cast<float>(relative_error_percent(original, reply));
}

void DatapathCounters::forget(const flowstore::Tuple& original, const flowstore::Tuple& reply) {
  erase(original);
  erase(reply);
}

// A poll may have been under way when the first packet was reported, past the connection: the one after it counts.
std::optional<DatapathCounters::Dropped> DatapathCounters::take_dropped(const flowstore::Tuple& tuple,
                                                                        flowstore::Now now) {
  if (!netflow_active_ || !netflow_covers(tuple)) return std::nullopt;
  Direction* direction = directions_.find(tuple);
  if (direction == nullptr || direction->connection || polls_ - direction->first_poll < 2) return std::nullopt;
  direction->dropped = true;
  direction->claimed_ms = now.monotonic_ms;
  return std::exchange(direction->total, {});
}

void DatapathCounters::erase(const flowstore::Tuple& tuple) {
  const DirectionId id = directions_.id_of(tuple);
  if (id == no_direction) return;
  join_.leave_all(id);
  directions_.erase(id);
}

bool DatapathCounters::expire(flowstore::Now now, std::size_t budget) {
  return directions_.erase_some(
      expiring_next_, budget,
      [&](const Direction& one) {
        const bool gone = now.monotonic_ms - one.claimed_ms > unclaimed_ms_;
        if (gone && !one.dropped) ++stats_.expired;
        return gone;
      },
      [this](DirectionId id) { join_.leave_all(id); });
}

DatapathCounterStats DatapathCounters::stats() const {
  DatapathCounterStats now = stats_;
  now.tuples = directions_.size();
  now.refused_full = directions_.refused();
  now.join = join_.stats();
  return now;
}

}  // namespace ofe::correlate
