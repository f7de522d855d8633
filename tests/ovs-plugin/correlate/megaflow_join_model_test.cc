// Random megaflows, connections and dumps, which miss a megaflow at times: what is joined is what a comparison of each
// with each finds, and what is divided adds up to what the megaflows counted.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <vector>

#include "flowstore/address.h"
#include "ovs-plugin/correlate/datapath_counters.h"

namespace ofe::correlate {
namespace {

using flowstore::Address;
using flowstore::Tuple;

constexpr std::uint16_t zone = 7;

class Random {
 public:
  explicit Random(std::uint64_t seed) : random_(seed) {}
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  bool chance(unsigned percent) { return below(100) < percent; }

  // Few different ones, so that much matches.
  Tuple tuple() {
    const bool v4 = chance(60);
    Tuple made;
    made.source = address(v4);
    made.destination = address(v4);
    made.protocol = std::array<std::uint8_t, 3>{6, 17, static_cast<std::uint8_t>(v4 ? 1 : 58)}[below(3)];
    made.source_port = static_cast<std::uint16_t>(1000 + below(8));
    made.destination_port = static_cast<std::uint16_t>(80 + below(4));
    return made;
  }

  datapath::Megaflow megaflow(std::uint16_t ufid) {
    const Tuple like = tuple();
    datapath::Megaflow flow;
    flow.has_ufid = true;
    flow.ufid[14] = static_cast<std::uint8_t>(ufid >> 8);
    flow.ufid[15] = static_cast<std::uint8_t>(ufid);
    const bool v4 = flowstore::is_ipv4(like.source);
    flow.eth_type = v4 ? 0x0800 : 0x86dd;
    flow.source = masked(like.source, v4);
    flow.destination = masked(like.destination, v4);
    flow.protocol.mask = chance(80) ? 0xff : 0;
    flow.protocol.value = like.protocol & flow.protocol.mask;
    flow.source_port.mask = chance(50) ? 0 : chance(50) ? 0xffff : 0xfffe;
    flow.source_port.value = like.source_port & flow.source_port.mask;
    flow.destination_port.mask = chance(50) ? 0xffff : 0;
    flow.destination_port.value = like.destination_port & flow.destination_port.mask;
    flow.icmp_type.mask = flow.icmp_code.mask = chance(50) ? 0xff : 0;
    flow.icmp_code.value = static_cast<std::uint8_t>(like.destination_port) & flow.icmp_code.mask;
    flow.fragment = chance(10) ? 2 : 0;
    flow.used_ms_ago = 100;
    flow.ct = {{static_cast<std::uint16_t>(chance(90) ? zone : 9), false, false}};
    return flow;
  }

 private:
  Address address(bool v4) {
    const std::uint8_t octets[4] = {10, 0, static_cast<std::uint8_t>(below(2)), static_cast<std::uint8_t>(below(6))};
    if (v4) return flowstore::address_from_ipv4(octets);
    Address made{0xfd};
    made[14] = octets[2];
    made[15] = octets[3];
    return made;
  }
  datapath::Masked<Address> masked(const Address& like, bool v4) {
    datapath::Masked<Address> made;
    const std::size_t octets = std::array<std::size_t, 4>{v4 ? 12u : 0u, 14, 15, 16}[below(4)];
    std::fill_n(made.mask.begin(), octets, std::uint8_t{0xff});
    std::copy_n(like.begin(), octets, made.value.begin());
    return made;
  }
  std::mt19937_64 random_;
};

TEST(MegaflowJoinModel, TupleSpaceFindsWhatComparingEachWithEachFinds) {
  Random random(3);
  TupleSpace space;
  std::map<BucketId, datapath::TupleMatch> known;
  std::size_t found_any = 0;
  for (int step = 0; step < 3'000; ++step) {
    datapath::TupleMatch match;
    ASSERT_TRUE(tuple_match(random.megaflow(0), match));
    if (known.size() > 100 && random.chance(50)) {
      const auto gone = std::next(known.begin(), static_cast<std::ptrdiff_t>(random.below(known.size())));
      space.hide(gone->first);
      space.erase(gone->first);
      known.erase(gone);
    }
    known[*space.bucket_of(match, 1, other_port)] = match;
    const Tuple tuple = random.tuple();
    std::set<BucketId> expected, found;
    for (const auto& [id, one] : known) {
      if (matches(one, tuple)) expected.insert(id);
    }
    space.each_match(
        tuple, other_port, 0, [](datapath::ZoneSet) { return true; }, [&](BucketId id) { found.insert(id); });
    ASSERT_EQ(found, expected) << "step " << step;
    found_any += !found.empty();
  }
  EXPECT_GT(found_any, 1'000u);
}

struct World {
  explicit World(std::uint64_t seed) : random(seed) {}

  void change_flows() {
    for (auto& [ufid, flow] : flows) {
      if (random.chance(60)) {
        const std::uint64_t packets = random.below(1'000);
        flow.packets += packets;
        flow.octets_l2 += packets * (14 + random.below(1'400));
      } else if (random.chance(5)) {
        flow.packets = flow.octets_l2 = 0;  // expired, and back
      }
    }
    for (int i = 0; i < 10; ++i) {
      const auto ufid = static_cast<std::uint16_t>(random.below(200));
      if (random.chance(40)) {
        flows.erase(ufid);
      } else if (!flows.contains(ufid) || random.chance(10)) {
        flows[ufid] = random.megaflow(ufid);
      }
    }
  }
  // What the join is told of a flow, and what it is told it grew by.
  void show_flows() {
    now.monotonic_ms += 1'000;
    counters.begin_dump(now);
    std::set<std::uint16_t> shown_now;
    for (const auto& [ufid, flow] : flows) {
      if (random.chance(missed_percent)) continue;
      shown_now.insert(ufid);
      counters.add_flow(flow);
      note_growth(ufid, flow);
    }
    std::erase_if(last, [&](const auto& one) { return !shown_now.contains(one.first) && missed.contains(one.first); });
    std::erase_if(missed, [this](std::uint16_t ufid) { return !last.contains(ufid); });
    for (const auto& [ufid, match] : last) {
      if (shown_now.contains(ufid)) {
        missed.erase(ufid);
      } else {
        missed.insert(ufid);
      }
    }
    first_dump = false;
    while (counters.settle(std::span(&zone, 1), now, 1 + random.below(50))) {
      if (random.chance(10)) forget_one();
    }
  }
  void note_growth(std::uint16_t ufid, const datapath::Megaflow& flow) {
    datapath::TupleMatch match;
    ASSERT_TRUE(tuple_match(flow, match));
    const Amount seen{flow.packets, octets_l3(flow)};
    const auto known = last.find(ufid);
    Amount before;
    if (known != last.end() && known->second.first == match && seen.packets >= known->second.second.packets &&
        seen.octets >= known->second.second.octets) {
      before = known->second.second;
    }
    const bool leads = flow.ct[0].zone == zone;
    const bool counts = !first_dump || known != last.end();
    if (leads && !pins(match) && counts) grown += seen - before;
    last[ufid] = {match, seen};
  }
  void scan() {
    for (int i = 0; i < 5; ++i) connections.push_back(random.tuple());
    for (const Tuple& original : connections) {
      if (!random.chance(90)) continue;
      flowstore::Observation seen = observation(original);
      counters.apply(seen, now);
      const flowstore::Counters& before = shown[original];
      ASSERT_GE(seen.counters.packets, before.packets);
      ASSERT_GE(seen.counters.reverse_octets, before.reverse_octets);
      ASSERT_TRUE(!was_estimated.contains(original) || seen.statistics == flowstore::Statistics::estimated);
      if (seen.statistics == flowstore::Statistics::estimated) was_estimated.insert(original);
      shown[original] = seen.counters;
    }
  }
  flowstore::Observation observation(const Tuple& original) {
    flowstore::Observation seen;
    seen.original = original;
    seen.reply = {original.destination, original.source, original.destination_port, original.source_port,
                  original.protocol};
    seen.zone = zone;
    seen.timeout_s = static_cast<std::uint32_t>(random.below(100));
    return seen;
  }
  void forget_one() {
    if (connections.empty()) return;
    const Tuple gone = connections[random.below(connections.size())];
    std::erase(connections, gone);
    const flowstore::Observation seen = observation(gone);
    counters.forget(seen.original, seen.reply);
    for (const Tuple& either : {seen.original, seen.reply}) {  // one may be the other way round of another
      shown.erase(either);
      was_estimated.erase(either);
    }
  }

  Random random;
  flowstore::Now now{1'000, 1'700'000'000'000};
  DatapathCounters counters{100'000, 20'000};
  std::map<std::uint16_t, datapath::Megaflow> flows;
  std::map<std::uint16_t, std::pair<datapath::TupleMatch, Amount>> last;
  std::set<std::uint16_t> missed;  // of `last`, not in the last dump
  std::vector<Tuple> connections;
  std::map<Tuple, flowstore::Counters, decltype([](const Tuple& a, const Tuple& b) {
             return std::tie(a.source, a.destination, a.source_port, a.destination_port, a.protocol) <
                    std::tie(b.source, b.destination, b.source_port, b.destination_port, b.protocol);
           })>
      shown;
  std::set<Tuple, decltype(shown)::key_compare> was_estimated;
  Amount grown;
  bool first_dump = true;
  unsigned missed_percent = 3;
};

TEST(MegaflowJoinModel, WhatIsDividedAddsUpToWhatTheMegaflowsCounted) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    World world(seed);
    for (int poll = 0; poll < 60; ++poll) {
      world.change_flows();
      world.show_flows();
      world.scan();
    }
    // Nothing more is counted, nobody comes: what waits is divided, or given up.
    world.missed_percent = 0;  // what comes back after so long was removed meanwhile
    world.show_flows();
    world.now.monotonic_ms += 21'000;
    world.show_flows();
    const MegaflowJoinStats stats = world.counters.stats().join;
    Amount sum = stats.apportioned;
    sum += stats.unmatched;
    EXPECT_EQ(sum, world.grown) << "seed " << seed;
    EXPECT_GT(stats.apportioned.packets, stats.unmatched.packets) << "seed " << seed;
  }
}

// Nobody is forgotten and none is pinned: then the sum over the connections is the megaflows', to the octet.
TEST(MegaflowJoinModel, TheConnectionsOfAMegaflowAddUpToIt) {
  Random random(5);
  for (int round = 0; round < 200; ++round) {
    datapath::Megaflow flow = random.megaflow(1);
    flow.ct = {{zone, false, false}};
    flow.source_port = {};
    datapath::TupleMatch match;
    ASSERT_TRUE(tuple_match(flow, match));
    flowstore::Now now{1'000, 0};
    DatapathCounters counters(10'000);
    const auto dump = [&] {
      now.monotonic_ms += 1'000;
      counters.begin_dump(now);
      counters.add_flow(flow);
      while (counters.settle(std::span(&zone, 1), now, 2)) continue;
    };
    dump();
    std::vector<flowstore::Observation> connections;
    for (int i = 0; i < 20; ++i) {
      flowstore::Observation seen;
      seen.original = random.tuple();
      seen.original.source_port = static_cast<std::uint16_t>(i);  // each its own
      seen.reply.protocol = seen.original.protocol;
      seen.reply.source_port = static_cast<std::uint16_t>(100 + i);
      seen.zone = zone;
      connections.push_back(seen);
    }
    const auto under = [&](const flowstore::Observation& one) {
      return matches(match, one.original) || matches(match, one.reply);
    };
    const bool any = std::ranges::any_of(connections, under);
    for (int poll = 0; poll < 5; ++poll) {
      const std::uint64_t packets = random.below(50);
      flow.packets += packets;
      flow.octets_l2 += packets * (64 + random.below(1'400));
      dump();
      for (auto seen : connections) counters.apply(seen, now);
    }
    dump();
    Amount sum;
    for (auto seen : connections) {
      counters.apply(seen, now);
      sum += {seen.counters.packets, seen.counters.octets};
      sum += {seen.counters.reverse_packets, seen.counters.reverse_octets};
      ASSERT_EQ(seen.statistics == flowstore::Statistics::estimated, under(seen));
    }
    EXPECT_EQ(sum, any ? (Amount{flow.packets, octets_l3(flow)}) : Amount{}) << "round " << round;
  }
}

}  // namespace
}  // namespace ofe::correlate
