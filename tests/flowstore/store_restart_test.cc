// Whatever happens to the exporter between a connection's first packet and its last: its records sum to what conntrack
// counted when each stop was clean and its baselines were carried over, and to no more than that when they were not.
//
// The kernel's table is played here: entries are born, count, die and are followed by others on their key, whether an
// exporter runs or not. The collector takes what it likes.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>

#include "flowstore/store.h"
#include "store_model.h"

namespace flowstore {
namespace {

constexpr std::int64_t started_wall_ms = 1'700'000'000'000;

struct Connection {
  Observation entry;
  bool lives = true;
  std::optional<Counters> first_seen, last_seen;
  Counters delivered;
};

class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed) {
    for (int i = 0; i < 4; ++i) be_born();
    pass();
    store_ = std::make_unique<Store>(Limits{}, timing(), now_);
  }

  void step() {
    pass();
    const std::size_t what = pick(100);
    if (what < 30) return count();
    if (what < 45) return be_born();
    if (what < 55) return die();
    if (what < 80) return poll(15);
    export_due(chance(70));
  }

  void restart(bool with_baselines, int steps_away) {
    const std::unique_ptr<Store> before = std::move(store_);
    if (with_baselines) {
      before->suspend(now_);
      collect(*before, chance(50));
    }
    for (int i = 0; i < steps_away; ++i) {
      pass();
      chance(50) ? count() : chance(50) ? die() : be_born();
    }
    store_ = std::make_unique<Store>(Limits{}, timing(), now_);
    if (!with_baselines) return;
    before->for_each_baseline([&](const Baseline& left) { return store_->resume(left, now_); });
    EXPECT_EQ(store_->stats().resume_refused, 0u);
    store_->resume_births(before->births());
  }

  // Everything there is to see is seen, and everything there is to say is said.
  void finish() {
    for (int i = 0; i < 2; ++i) poll(0);
    store_->suspend(now_);
    collect(*store_, true);
  }

  const std::map<std::uint32_t, Connection>& connections() const { return connections_; }

 private:
  std::size_t pick(std::size_t below) { return std::uniform_int_distribution<std::size_t>(0, below - 1)(random_); }
  bool chance(int percent) { return static_cast<int>(pick(100)) < percent; }
  ExportTiming timing() { return {static_cast<std::int64_t>(1 + pick(200)), 0}; }

  void pass() {
    const auto ms = static_cast<std::int64_t>(1 + pick(20));
    now_.monotonic_ms += ms;
    now_.wall_ms += ms;
  }

  void be_born() {
    const std::uint8_t client[] = {10, 0, 0, static_cast<std::uint8_t>(1 + pick(6))}, server[] = {10, 0, 1, 1};
    Observation entry;
    entry.original = {address_from_ipv4(client), address_from_ipv4(server), 40'000, 80, 6};
    entry.reply = {entry.original.destination, entry.original.source, 80, 40'000, 6};
    for (const auto& [id, known] : connections_) {
      if (known.lives && known.entry.original == entry.original) return;
    }
    entry.zone = static_cast<std::uint16_t>(1 + client[3] % 2);
    entry.id = ++last_id_;
    entry.start_wall_ms = now_.wall_ms;
    entry.statistics = Statistics::exact;
    connections_[entry.id].entry = entry;
    count_one(connections_[entry.id]);
  }

  void count_one(Connection& connection) {
    if (connection.lives) add(connection.entry.counters, {pick(5), pick(5'000), pick(5), pick(5'000)});
  }
  void count() {
    for (auto& [id, connection] : connections_) count_one(connection);
  }
  void die() {
    for (auto& [id, connection] : connections_) {
      if (connection.lives && chance(20)) connection.lives = false;
    }
  }

  void poll(int percent_broken_off) {
    for (const std::uint16_t zone : {1, 2}) {
      const bool breaks_off = chance(percent_broken_off);
      store_->begin_scan(zone, now_);
      for (auto& [id, connection] : connections_) {
        if (!connection.lives || connection.entry.zone != zone || (breaks_off && chance(50))) continue;
        store_->observe(connection.entry, now_);
        if (!connection.first_seen) connection.first_seen = connection.entry.counters;
        connection.last_seen = connection.entry.counters;
      }
      store_->end_scan(zone, !breaks_off, now_);
    }
    while (store_->sweep(1 + pick(10), now_)) {
    }
  }

  void export_due(bool takes_all) { collect(*store_, takes_all); }

  void collect(Store& from, bool takes_all) {
    from.export_due(now_, 1'000, [&](Export& record) {
      if (!takes_all && chance(40)) return false;
      add(connections_.at(record.flow.id).delivered, record.delta);
      return true;
    });
  }

  std::mt19937_64 random_;
  Now now_{1'000'000, started_wall_ms};
  std::unique_ptr<Store> store_;
  std::map<std::uint32_t, Connection> connections_;
  std::uint32_t last_id_ = 0;
};

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

Counters operator-(const Counters& a, const Counters& b) {
  return {a.packets - b.packets, a.octets - b.octets, a.reverse_packets - b.reverse_packets,
          a.reverse_octets - b.reverse_octets};
}
bool no_more_than(const Counters& a, const Counters& b) {
  return a.packets <= b.packets && a.octets <= b.octets && a.reverse_packets <= b.reverse_packets &&
         a.reverse_octets <= b.reverse_octets;
}

void for_many_seeds(const std::function<void(World& world, std::mt19937_64& random)>& round) {
  const std::uint64_t first_seed = number_from_environment("OFE_SEED", std::random_device{}());
  const std::uint64_t rounds = number_from_environment("OFE_ROUNDS", 1'000);
  for (std::uint64_t seed = first_seed; seed < first_seed + rounds && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("OFE_SEED=" + std::to_string(seed));
    World world(seed);
    std::mt19937_64 random(seed);
    round(world, random);
  }
}

TEST(StoreRestart, WithBaselinesTheRecordsSumToWhatConntrackCounted) {
  std::uint64_t checked = 0;
  for_many_seeds([&](World& world, std::mt19937_64& random) {
    for (int process = 0; process < 4; ++process) {
      for (std::size_t steps = random() % 40; steps > 0; --steps) world.step();
      world.restart(true, static_cast<int>(random() % 6));
    }
    world.finish();
    for (const auto& [id, connection] : world.connections()) {
      SCOPED_TRACE("connection " + std::to_string(id));
      if (connection.lives) {
        EXPECT_EQ(connection.last_seen, connection.entry.counters);
      }
      if (!connection.last_seen) continue;
      // The first four were there before the first process.
      const Counters before =
          id <= 4 && connection.entry.start_wall_ms == started_wall_ms ? *connection.first_seen : Counters{};
      EXPECT_EQ(connection.delivered, *connection.last_seen - before);
      ++checked;
    }
  });
  EXPECT_GT(checked, 0u);
}

TEST(StoreRestart, WithoutThemNothingIsCountedTwice) {
  std::uint64_t left_out = 0;
  for_many_seeds([&](World& world, std::mt19937_64& random) {
    for (int process = 0; process < 4; ++process) {
      for (std::size_t steps = random() % 40; steps > 0; --steps) world.step();
      world.restart(random() % 2 == 0, static_cast<int>(random() % 6));
    }
    world.finish();
    for (const auto& [id, connection] : world.connections()) {
      SCOPED_TRACE("connection " + std::to_string(id));
      EXPECT_TRUE(no_more_than(connection.delivered, connection.last_seen.value_or(Counters{})));
      left_out += connection.last_seen && connection.delivered != *connection.last_seen;
    }
  });
  EXPECT_GT(left_out, 0u) << "no restart without baselines was met";
}

}  // namespace
}  // namespace flowstore
