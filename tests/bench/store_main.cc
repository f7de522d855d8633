// bench-store TABLE upsert|memory: a million flows in the store or in the map it is compared with.
//   upsert: CPU time per observation of a flow that is there, in random order; once for every line on standard input
//   memory: resident octets per flow
#include <algorithm>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <memory>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "flowstore/address.h"
#include "flowstore/store.h"
#include "ovs-plugin/record/name_pool.h"
#include "tests/bench/flow_map.h"
#include "tests/bench/socket_time.h"
#include "tests/conntrack-tools/synthetic_entry.h"

namespace bench {
namespace {

using flowstore::Observation;

constexpr std::size_t flows = 1'000'000;
constexpr std::size_t batch_size = 4'000;  // the exporter's
constexpr unsigned name_sets = 10'000;     // pairs of Pods that talk to each other
constexpr std::uint16_t zone = 65520;

flowstore::Tuple tuple(const conntrack_tools::Tuple& from) {
  const auto address = [](std::uint32_t a) {
    const std::uint8_t octets[4] = {static_cast<std::uint8_t>(a >> 24), static_cast<std::uint8_t>(a >> 16),
                                    static_cast<std::uint8_t>(a >> 8), static_cast<std::uint8_t>(a)};
    return flowstore::address_from_ipv4(octets);
  };
  return {address(from.source), address(from.destination), from.source_port, from.destination_port, from.protocol};
}

// Flow `number` in poll `poll`: every other flow has counted something since the last poll.
Observation observation(std::uint32_t number, std::uint32_t poll) {
  const conntrack_tools::SyntheticEntry entry = conntrack_tools::synthetic_entry(number);
  Observation seen;
  seen.original = tuple(entry.original);
  seen.reply = tuple(entry.reply);
  seen.zone = zone;
  seen.id = number + 1;
  seen.start_wall_ms = 1'700'000'000'000 + number;
  seen.statistics = flowstore::Statistics::exact;
  const std::uint64_t counted = 10 + (number + poll) / 2;
  seen.counters = {counted, 100 * counted, counted, 1'000 * counted};
  seen.tcp_state = flowstore::TcpState::established;
  seen.status = 0xe;
  seen.timeout_s = 86'400;
  seen.mark = entry.mark;
  return seen;
}

class Table {
 public:
  virtual ~Table() = default;
  virtual void begin_poll(flowstore::Now now) = 0;
  virtual void observe(const std::vector<Observation>& batch, flowstore::Now now) = 0;
  virtual void end_poll(flowstore::Now now) = 0;
  virtual void set_names(const Observation& flow, flowstore::NameHandle names) = 0;
  virtual std::size_t size() const = 0;
};

class StoreTable : public Table {
 public:
  void begin_poll(flowstore::Now now) override { store_.begin_scan(zone, now); }
  void observe(const std::vector<Observation>& batch, flowstore::Now now) override {
    results_.resize(batch.size());
    store_.observe_batch(batch, now, results_);
  }
  void end_poll(flowstore::Now now) override { store_.end_scan(zone, true, now); }
  void set_names(const Observation& flow, flowstore::NameHandle names) override {
    store_.set_names(flow.original, flow.reply, names);
  }
  std::size_t size() const override { return store_.stats().flows; }

 private:
  flowstore::Store store_{{flows}, {60'000, 0}, {1'000'000, 1'700'000'000'000}};
  std::vector<flowstore::ObserveResult> results_;
};

class MapTable : public Table {
 public:
  void begin_poll(flowstore::Now) override { ++poll_; }
  void observe(const std::vector<Observation>& batch, flowstore::Now now) override {
    for (const Observation& seen : batch) map_.observe(seen, poll_, now);
  }
  void end_poll(flowstore::Now) override {}
  void set_names(const Observation& flow, flowstore::NameHandle names) override { map_.set_names(flow, names); }
  std::size_t size() const override { return map_.size(); }

 private:
  FlowMap map_;
  std::uint32_t poll_ = 0;
};

// One poll that sees every flow; the CPU time that the table took of it.
class Polls {
 public:
  explicit Polls(Table& table) : table_(table), order_(flows) { std::iota(order_.begin(), order_.end(), 0); }

  std::int64_t one() {
    const flowstore::Now now{1'000'000 + 5'000 * ++poll_, 1'700'000'000'000 + 5'000 * poll_};
    std::shuffle(order_.begin(), order_.end(), random_);
    std::int64_t spent_ns = 0;
    table_.begin_poll(now);
    for (std::size_t first = 0; first < flows; first += batch_size) {
      batch_.clear();
      for (std::size_t i = first; i < std::min(flows, first + batch_size); ++i) {
        batch_.push_back(observation(order_[i], static_cast<std::uint32_t>(poll_)));
      }
      const std::int64_t began_ns = cpu_time().total_ns;
      table_.observe(batch_, now);
      spent_ns += cpu_time().total_ns - began_ns;
    }
    table_.end_poll(now);
    return spent_ns;
  }

 private:
  Table& table_;
  std::vector<std::uint32_t> order_;
  std::vector<Observation> batch_;
  std::mt19937 random_{7};
  std::int64_t poll_ = 0;
};

void upsert(Table& table) {
  Polls polls(table);
  polls.one();
  std::puts("{}");
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    const std::int64_t ns = polls.one();
    std::printf("{\"flows\":%zu,\"total_ns\":%ld}\n", table.size(), ns);
    std::fflush(stdout);
  }
}

std::size_t resident_octets() {
  std::ifstream rollup("/proc/self/smaps_rollup");
  for (std::string word; rollup >> word;) {
    std::size_t kib = 0;
    if (word == "Rss:" && rollup >> kib) return kib * 1024;
  }
  throw std::runtime_error("cannot read /proc/self/smaps_rollup");
}

ofe::record::Names names_of(unsigned number) {
  const auto text = [number](const char* prefix, unsigned of) { return prefix + std::to_string(number % of); };
  return {text("frontend-7d8f9c6b5-", 110),         text("team-", 20), "worker-17",
          text("backend-5f6d7c8b9-", 2'000),        text("team-", 30), text("worker-", 50),
          text("team-5/backend-service:http-", 100)};
}

void memory(std::unique_ptr<Table> (*make)()) {
  ofe::record::NamePool pool;
  std::vector<Observation> one(1);
  const std::size_t before = resident_octets();
  const auto table = make();
  const flowstore::Now now{1'005'000, 1'700'000'005'000};
  table->begin_poll(now);
  for (std::uint32_t number = 0; number < flows; ++number) {
    one[0] = observation(number, 1);
    table->observe(one, now);
    table->set_names(one[0], pool.acquire(names_of(number % name_sets)));
  }
  table->end_poll(now);
  std::printf("{\"flows\":%zu,\"octets\":%zu,\"name_sets\":%zu}\n", table->size(), resident_octets() - before,
              pool.size());
}

template <class T>
std::unique_ptr<Table> make() {
  return std::make_unique<T>();
}

void run(const std::string& table, const std::string& what) {
  if ((table != "store" && table != "map") || (what != "upsert" && what != "memory")) {
    throw std::runtime_error("usage: bench-store store|map upsert|memory");
  }
  const auto maker = table == "store" ? &make<StoreTable> : &make<MapTable>;
  if (what == "upsert") return upsert(*maker());
  memory(maker);
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  try {
    bench::run(argc == 3 ? argv[1] : "", argc == 3 ? argv[2] : "");
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench-store: %s\n", error.what());
    return 1;
  }
}
