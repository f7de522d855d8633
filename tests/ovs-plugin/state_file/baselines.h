// Random baselines, and a receiver that keeps what it is given.
#pragma once

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "ovs-plugin/state_file/reader.h"
#include "ovs-plugin/state_file/writer.h"

namespace ofe::state_file {

class RandomBaselines {
 public:
  explicit RandomBaselines(std::uint64_t seed) : random_(seed) {}

  flowstore::Baseline next() {
    flowstore::Baseline baseline;
    flowstore::Flow& flow = baseline.flow;
    flow.original = tuple();
    flow.reply = {flow.original.destination, flow.original.source, flow.original.destination_port,
                  flow.original.source_port, flow.original.protocol};
    if (coin()) flow.reply = tuple();
    flow.zone = number<std::uint16_t>();
    flow.id = number<std::uint32_t>();
    flow.status = number<std::uint32_t>();
    flow.timeout_s = number<std::uint32_t>();
    flow.mark = number<std::uint32_t>();
    if (coin()) flow.labels[below(16)] = number<std::uint8_t>();
    flow.tcp_state = static_cast<flowstore::TcpState>(below(10));
    flow.statistics = static_cast<flowstore::Statistics>(below(3));
    if (flow.statistics == flowstore::Statistics::estimated) {
      flow.relative_error = flowstore::ErrorPercent::at_least(static_cast<float>(below(1'000'000)) / 7);
    }
    flow.birth_seen = coin();
    flow.ended = coin();
    flow.start_wall_ms = time();
    flow.start_ns = number<std::uint32_t>();
    flow.last_wall_ms = time();
    flow.first_monotonic_ms = time();
    flow.total = counters();
    flow.pending = counters();
    flow.exports = number<std::uint32_t>();
    baseline.start_known = coin();
    baseline.end_told = coin();
    if (flow.ended) baseline.end_reason = static_cast<flowstore::EndReason>(1 + below(5));
    return baseline;
  }
  std::size_t below(std::size_t limit) { return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_); }

 private:
  bool coin() { return below(2) == 1; }
  // Small ones and the greatest as well as any other.
  template <typename Number>
  Number number() {
    const std::uint64_t any = random_();
    return static_cast<Number>(below(4) == 0 ? 0 : below(4) == 0 ? UINT64_MAX : any >> below(64));
  }
  std::int64_t time() { return static_cast<std::int64_t>(random_() >> (11 + below(40))); }
  flowstore::Address address() {
    flowstore::Address octets;
    for (std::uint8_t& octet : octets) octet = number<std::uint8_t>();
    return coin() ? flowstore::address_from_ipv4(octets.data()) : octets;
  }
  flowstore::Tuple tuple() {
    return {address(), address(), number<std::uint16_t>(), number<std::uint16_t>(), number<std::uint8_t>()};
  }
  flowstore::Counters counters() {
    return {number<std::uint64_t>(), number<std::uint64_t>(), number<std::uint64_t>(), number<std::uint64_t>()};
  }

  std::mt19937_64 random_;
};

inline bool same(const flowstore::Baseline& a, const flowstore::Baseline& b) {
  const flowstore::Flow &x = a.flow, &y = b.flow;
  return x.original == y.original && x.reply == y.reply && x.zone == y.zone && x.id == y.id && x.status == y.status &&
         x.timeout_s == y.timeout_s && x.mark == y.mark && x.labels == y.labels && x.tcp_state == y.tcp_state &&
         x.statistics == y.statistics && x.relative_error == y.relative_error && x.birth_seen == y.birth_seen &&
         x.ended == y.ended && x.start_wall_ms == y.start_wall_ms && x.last_wall_ms == y.last_wall_ms &&
         x.first_monotonic_ms == y.first_monotonic_ms && x.total == y.total && x.pending == y.pending &&
         x.exports == y.exports && a.start_known == b.start_known && a.end_told == b.end_told &&
         a.end_reason == b.end_reason;
}

struct Kept : Receiver {
  void take_template(const ipfix::Template& definition) override { templates.push_back(definition); }
  void take_record(std::string_view, std::uint16_t id, Octets record) override {
    records.push_back({id, {record.begin(), record.end()}});
  }
  void take_flow(const flowstore::Baseline& baseline, std::uint32_t, const record::Names& of_flow) override {
    flows.push_back(baseline);
    names.push_back(of_flow);
  }
  void take_births(const flowstore::Births& of_file) override { births = of_file; }

  std::vector<ipfix::Template> templates;
  std::vector<std::pair<std::uint16_t, std::vector<std::uint8_t>>> records;
  std::vector<flowstore::Baseline> flows;
  std::vector<record::Names> names;
  flowstore::Births births;
};

inline Octets octets_of(const std::string& file) {
  return {reinterpret_cast<const std::uint8_t*>(file.data()), file.size()};
}

}  // namespace ofe::state_file
