// A store, its clock, and short words for what conntrack shows, so that a test reads as a story.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <ostream>
#include <vector>

#include "flowstore/store.h"

namespace flowstore {

inline void PrintTo(const Counters& c, std::ostream* out) {
  *out << '{' << c.packets << ", " << c.octets << ", " << c.reverse_packets << ", " << c.reverse_octets << '}';
}

// Counters that can be told apart field by field, and that grow together.
inline Counters packets(std::uint64_t n) {
  return {n, n * 100, n * 2, n * 300};
}

// An observation of connection number `connection`, built up word by word.
struct Seen : Observation {
  explicit Seen(std::uint8_t connection = 1) {
    const std::uint8_t client[] = {10, 0, 0, connection};
    const std::uint8_t server[] = {10, 0, 1, 1};
    original = {address_from_ipv4(client), address_from_ipv4(server), 40'000, 80, 6};
    reply = {original.destination, original.source, 80, 40'000, 6};
    zone = 1;
  }
  Seen in(std::uint16_t in_zone) const {
    return with([&](Seen& s) { s.zone = in_zone; });
  }
  Seen with_id(std::uint32_t value) const {
    return with([&](Seen& s) { s.id = value; });
  }
  Seen started(std::int64_t wall_ms) const {
    return with([&](Seen& s) { s.start_wall_ms = wall_ms; });
  }
  Seen stopped(std::int64_t wall_ms) const {
    return with([&](Seen& s) { s.stop_wall_ms = wall_ms; });
  }
  Seen tcp(TcpState state) const {
    return with([&](Seen& s) { s.tcp_state = state; });
  }
  Seen born() const {
    return with([&](Seen& s) { s.sight = Sight::born; });
  }
  Seen gone() const {
    return with([&](Seen& s) { s.sight = Sight::gone; });
  }
  Seen counting(std::uint64_t n, Statistics how = Statistics::exact) const { return counting(packets(n), how); }
  Seen counting(const Counters& counters_seen, Statistics how = Statistics::exact) const {
    return with([&](Seen& s) {
      s.counters = counters_seen;
      s.statistics = how;
    });
  }

 private:
  template <typename Change>
  Seen with(Change change) const {
    Seen copy = *this;
    change(copy);
    return copy;
  }
};

struct Record {
  Flow flow;  // as the sink saw it
  Counters delta;
  EndReason reason;
};

class StoreTest : public ::testing::Test {
 protected:
  static constexpr std::int64_t store_start_wall_ms = 1'700'000'000'000;
  static constexpr std::int64_t before_store = store_start_wall_ms - 5'000;
  static constexpr std::int64_t after_store = store_start_wall_ms + 5'000;  // and before anything is observed
  static constexpr std::int64_t active_ms = 60'000;

  StoreTest() { restart({}); }

  void restart(Limits limits, ExportTiming timing = {active_ms, 0}) {
    now = {1'000'000, store_start_wall_ms};
    removed.clear();
    store = std::make_unique<Store>(limits, timing, now);
    store->on_removed([this](const Flow& flow) { removed.push_back(flow); });
    pass(10'000);
  }

  void pass(std::int64_t ms) {
    now.monotonic_ms += ms;
    now.wall_ms += ms;
  }
  ObserveResult see(const Seen& seen) { return store->observe(seen, now); }
  void destroy(const Seen& last) { EXPECT_EQ(see(last.gone()), ObserveResult::ended); }
  const Flow* find(const Seen& seen) const { return store->find(seen.original, seen.reply); }

  void scan(std::uint16_t zone, std::initializer_list<Seen> entries, bool complete = true) {
    store->begin_scan(zone, now);
    for (const Seen& entry : entries) see(entry.in(zone));
    store->end_scan(zone, complete, now);
    sweep();
  }
  void sweep() {
    while (store->sweep(1, now)) {
    }
  }

  std::vector<Record> export_due(std::size_t max = 1'000) {
    std::vector<Record> records;
    const std::size_t taken = store->export_due(now, max, [&](Export& record) {
      records.push_back({record.flow, record.delta, record.reason});
      return true;
    });
    EXPECT_EQ(taken, records.size());
    return records;
  }
  // The one record that is due.
  Record export_one() {
    const std::vector<Record> records = export_due();
    EXPECT_EQ(records.size(), 1u);
    return records.empty() ? Record{} : records.front();
  }
  std::int64_t due_in() const { return store->next_deadline_ms().value() - now.monotonic_ms; }

  Now now;
  std::unique_ptr<Store> store;
  std::vector<Flow> removed;
};

}  // namespace flowstore
