// A simulated kernel in front of the store: connections come and go on a few tuples while events and dumps, each read
// in its own time, tell of them. Whatever the interleaving, every connection must come out as one flow with exactly
// what it carried. A failure prints the seed: OFE_SEED=<seed> OFE_ROUNDS=1 repeats it alone.
#include <algorithm>
#include <cstdlib>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <set>

#include "store_fixture.h"

namespace flowstore {
namespace {

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

void add(Counters& sum, const Counters& part) {
  sum.packets += part.packets;
  sum.octets += part.octets;
  sum.reverse_packets += part.reverse_packets;
  sum.reverse_octets += part.reverse_octets;
}

// What holds of the kernel: a NEW event when an entry is made, a DESTROY event with its last counters when it goes,
// both in order in one queue; a dump walks the table once and shows each entry as it was when the walk passed it. The
// id is made of the entry's place in memory, which the next one often gets: it comes again on the same tuple.
class Kernel {
 public:
  explicit Kernel(std::mt19937_64& random) : random_(random) {}

  static constexpr std::uint8_t tuples = 3;

  void connect(std::uint8_t tuple, Now now) {
    if (entries_[tuple]) return;
    entries_[tuple] = Seen(tuple).with_id(1 + pick(2)).started(now.wall_ms).counting(Counters{});
    Observation event = Seen(tuple).with_id(entries_[tuple]->id).born();
    events_.push_back(event);
  }
  void send(std::uint8_t tuple) {
    if (entries_[tuple]) entries_[tuple]->counters = packets(entries_[tuple]->counters.packets + 1 + pick(3));
  }
  void disconnect(std::uint8_t tuple, Now now) {
    if (!entries_[tuple]) return;
    Observation event = *entries_[tuple];
    event.sight = Sight::gone;
    event.stop_wall_ms = now.wall_ms;
    events_.push_back(event);
    carried_[tuple].push_back(event.counters);
    entries_[tuple].reset();
  }

  void begin_dump() {
    walked_ = 0;
    dumped_.clear();
  }
  void walk_on() {
    if (walked_ == tuples) return;
    if (const auto& entry = entries_[walked_++]) dumped_.push_back(*entry);
  }
  bool dump_read() const { return walked_ == tuples && dumped_.empty(); }

  std::optional<Observation> next_event() { return take(events_); }
  std::optional<Observation> next_dumped() { return take(dumped_); }
  // Of every connection that has ended, by tuple, in order.
  const std::vector<Counters>& carried(std::uint8_t tuple) const { return carried_[tuple]; }

 private:
  static std::optional<Observation> take(std::deque<Observation>& from) {
    if (from.empty()) return std::nullopt;
    const Observation first = from.front();
    from.pop_front();
    return first;
  }
  std::uint32_t pick(std::uint32_t below) { return static_cast<std::uint32_t>(random_() % below); }

  std::mt19937_64& random_;
  std::array<std::optional<Observation>, tuples> entries_;
  std::array<std::vector<Counters>, tuples> carried_;
  std::deque<Observation> events_, dumped_;
  std::uint8_t walked_ = tuples;
};

class SimulatedKernel : public StoreTest {
 protected:
  void run(std::uint64_t seed, int steps) {
    random_.seed(seed);
    restart({}, {20, 0});
    kernel_ = std::make_unique<Kernel>(random_);
    records_.clear();
    scanning_ = false;
    for (int step = 0; step < steps; ++step) {
      pass(1 + random_() % 2);
      act();
    }
    for (std::uint8_t tuple = 0; tuple < Kernel::tuples; ++tuple) kernel_->disconnect(tuple, now);
    if (scanning_) finish_dump();
    read_events(SIZE_MAX);
    take_records();
    compare();
  }

 private:
  void act() {
    const auto tuple = static_cast<std::uint8_t>(random_() % Kernel::tuples);
    switch (random_() % 10) {
      case 0:
      case 1:
        return kernel_->connect(tuple, now);
      case 2:
        return kernel_->send(tuple);
      case 3:
      case 4:
        return kernel_->disconnect(tuple, now);
      case 5:
        return read_events(1 + random_() % 4);
      case 6:
        if (!scanning_) begin_dump();
        return;
      case 7:
        return kernel_->walk_on();
      case 8:
        if (scanning_) read_dump();
        return;
      default:
        return take_records();
    }
  }

  void begin_dump() {
    scanning_ = true;
    store->begin_scan(1, now);
    kernel_->begin_dump();
  }
  void read_dump() {
    if (const auto seen = kernel_->next_dumped()) store->observe(*seen, now);
    if (kernel_->dump_read()) finish_dump();
  }
  // Events are read to the last before a scan is judged.
  void finish_dump() {
    for (std::uint8_t tuple = 0; tuple < Kernel::tuples; ++tuple) kernel_->walk_on();
    while (const auto seen = kernel_->next_dumped()) store->observe(*seen, now);
    read_events(SIZE_MAX);
    store->end_scan(1, true, now);
    sweep();
    scanning_ = false;
  }
  void read_events(std::size_t most) {
    for (; most > 0; --most) {
      const auto event = kernel_->next_event();
      if (!event) return;
      store->observe(*event, now);
    }
  }
  void take_records() {
    for (const Record& record : export_due()) records_.push_back(record);
  }

  // No octet twice and none left out; each connection has a flow that ends with its totals. Where a dump shows a
  // tuple's next connection before the last one's DESTROY event is read, what the event adds comes as a flow of its
  // own.
  void compare() {
    EXPECT_EQ(store->stats().flows, 0u);
    EXPECT_EQ(store->stats().counter_steps_back, 0u);
    std::map<std::uint8_t, Counters> counted;
    std::map<std::uint8_t, std::multiset<std::uint64_t>> totals;
    for (const Record& record : records_) {
      const std::uint8_t tuple = record.flow.original.source.back();
      add(counted[tuple], record.delta);
      EXPECT_LE(record.flow.start_wall_ms, record.flow.last_wall_ms);
      if (record.reason == EndReason::end_of_flow) totals[tuple].insert(record.flow.total.packets);
    }
    std::size_t connections = 0, flows = 0;
    for (std::uint8_t tuple = 0; tuple < Kernel::tuples; ++tuple) {
      Counters carried;
      std::multiset<std::uint64_t> packets_carried;
      for (const Counters& of : kernel_->carried(tuple)) {
        add(carried, of);
        packets_carried.insert(of.packets);
      }
      EXPECT_EQ(counted[tuple], carried) << "tuple " << int{tuple};
      EXPECT_TRUE(std::ranges::includes(totals[tuple], packets_carried)) << "tuple " << int{tuple};
      connections += packets_carried.size();
      flows += totals[tuple].size();
    }
    EXPECT_LE(flows, connections + store->stats().restarted);
  }

  std::mt19937_64 random_;
  std::unique_ptr<Kernel> kernel_;
  std::vector<Record> records_;
  bool scanning_ = false;
};

TEST_F(SimulatedKernel, EveryConnectionIsOneFlowWithWhatItCarried) {
  const std::uint64_t first_seed = number_from_environment("OFE_SEED", std::random_device{}());
  const std::uint64_t rounds = number_from_environment("OFE_ROUNDS", 2'000);
  for (std::uint64_t seed = first_seed; seed < first_seed + rounds && !HasFailure(); ++seed) {
    SCOPED_TRACE("OFE_SEED=" + std::to_string(seed));
    run(seed, 200);
  }
}

}  // namespace
}  // namespace flowstore
