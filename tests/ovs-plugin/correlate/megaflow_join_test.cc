#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "flowstore/address.h"
#include "ovs-plugin/correlate/datapath_counters.h"

namespace ofe::correlate {
namespace {

using flowstore::Observation;
using flowstore::Statistics;
using flowstore::Tuple;

constexpr std::uint16_t zone = 65520;

Tuple tuple(const char* source, std::uint16_t source_port, const char* destination, std::uint16_t destination_port,
            std::uint8_t protocol = 6) {
  return {*flowstore::parse_address(source), *flowstore::parse_address(destination), source_port, destination_port,
          protocol};
}

Observation between(const Tuple& original, std::uint16_t in_zone = zone) {
  Observation seen;
  seen.original = original;
  seen.reply = {original.destination, original.source, original.destination_port, original.source_port,
                original.protocol};
  seen.zone = in_zone;
  return seen;
}

// As ovs-vswitchd prints it; octets are 100 a packet without the Ethernet header.
std::string line(int ufid, const std::string& keys, std::uint64_t packets,
                 const std::string& actions = "ct(zone=65520,nat),recirc(0x1)") {
  char number[5];
  std::snprintf(number, sizeof number, "%04x", static_cast<unsigned>(ufid) & 0xffffu);
  return std::string("ufid:00000000-0000-0000-0000-00000000") + number + ", " + keys +
         ", packets:" + std::to_string(packets) + ", bytes:" + std::to_string(114 * packets) +
         ", used:0.1s, dp:ovs, actions:" + actions;
}

// No packet came for so long that it is removed before the next dump.
std::string idled_out(std::string of) {
  return of.replace(of.find("used:0.1s"), 9, "used:9.5s");
}

const std::string any_v4 =
    "recirc_id(0),in_port(p1),eth_type(0x0800),ipv4(src=1.2.3.4/0.0.0.0,dst=0.0.0.0/0.0.0.0,proto=6/0,frag=no)";

class MegaflowJoinTest : public testing::Test {
 protected:
  void dump(const std::vector<std::string>& lines) {
    now_.monotonic_ms += 1'000;
    counters_.begin_dump(now_);
    datapath::Megaflow flow;
    std::string error;
    for (const std::string& one : lines) {
      ASSERT_TRUE(datapath::parse_megaflow(one, flow, error)) << error << "\n" << one;
      counters_.add_flow(flow);
    }
    while (counters_.settle(std::span(&zone, 1), now_, 3)) continue;
  }
  Observation seen(Observation connection) {
    counters_.apply(connection, now_);
    return connection;
  }
  // Once more, with nothing new: what the dump before counted is divided among those seen since.
  void settle_scans(const std::vector<std::string>& lines) { dump(lines); }
  MegaflowJoinStats stats() const { return counters_.stats().join; }

  flowstore::Now now_{1'000, 1'700'000'000'000};
  DatapathCounters counters_{10'000, 60'000};
};

TEST_F(MegaflowJoinTest, SeveralUnderOneMegaflowShareItAndAreMarkedForGood) {
  const Observation a = between(tuple("10.0.0.1", 1000, "10.0.0.2", 80));
  const Observation b = between(tuple("10.0.0.1", 1001, "10.0.0.2", 80));
  dump({line(1, any_v4, 0)});
  seen(a), seen(b);
  dump({line(1, any_v4, 11)});
  seen(a), seen(b);
  dump({line(1, any_v4, 11)});
  const Observation of_a = seen(a), of_b = seen(b);
  // Neither says which of the two directions comes in by p1, so all four share.
  for (const Observation& one : {of_a, of_b}) {
    EXPECT_EQ(one.statistics, Statistics::estimated);
    EXPECT_GT(one.relative_error_percent, 100);
  }
  EXPECT_EQ(
      of_a.counters.packets + of_a.counters.reverse_packets + of_b.counters.packets + of_b.counters.reverse_packets,
      11u);
  EXPECT_EQ(of_a.counters.octets + of_a.counters.reverse_octets + of_b.counters.octets + of_b.counters.reverse_octets,
            1'100u);
  EXPECT_EQ(stats().apportioned, (Amount{11, 1'100}));
  dump({});
  EXPECT_EQ(seen(a).statistics, Statistics::estimated);
}

TEST_F(MegaflowJoinTest, PodsPortsTellWhoseMegaflowItIs) {
  counters_.set_pod_ports({[](const flowstore::Address& address) -> std::string_view {
                             return address == flowstore::parse_address("10.0.0.1")   ? "p1"
                                    : address == flowstore::parse_address("10.0.0.2") ? "p2"
                                                                                      : "";
                           },
                           [](const PodPorts::Visit& visit) {
                             visit("p1", 4);
                             visit("p2", 4);
                           }});
  std::string from_p2 = any_v4, from_tunnel = any_v4;
  from_p2.replace(from_p2.find("p1"), 2, "p2");
  from_tunnel.replace(from_tunnel.find("p1"), 2, "t0");
  const Observation inside = between(tuple("10.0.0.1", 1000, "10.0.0.2", 80));
  const Observation outside = between(tuple("10.9.0.1", 1000, "10.0.0.2", 80));
  const auto flows = [&](std::uint64_t by_p1, std::uint64_t by_p2, std::uint64_t by_tunnel) {
    return std::vector{line(1, any_v4, by_p1), line(2, from_p2, by_p2), line(3, from_tunnel, by_tunnel)};
  };
  dump(flows(0, 0, 0));
  dump(flows(10, 8, 5));
  seen(inside), seen(outside);
  dump(flows(10, 8, 5));
  EXPECT_EQ(seen(inside).counters, (flowstore::Counters{10, 1'000, 4, 400}));  // replies of both come in by p2
  EXPECT_EQ(seen(outside).counters, (flowstore::Counters{5, 500, 4, 400}));
  EXPECT_EQ(seen(inside).statistics, Statistics::estimated);
}

TEST_F(MegaflowJoinTest, IdleConnectionsTakeNoShareWhereOthersHadPackets) {
  Observation busy = between(tuple("10.0.0.1", 1000, "10.0.0.2", 80));
  Observation idle = between(tuple("10.0.0.1", 1001, "10.0.0.2", 80));
  busy.timeout_s = idle.timeout_s = 100;
  const std::string there =
      "recirc_id(0),in_port(p1),eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2/0.0.0.0,proto=6/0,frag=no)";
  dump({line(1, there, 0)});
  seen(busy), seen(idle);
  now_.monotonic_ms += 9'000;
  dump({line(1, there, 40)});
  idle.timeout_s = 90;  // ten seconds have gone by
  seen(busy), seen(idle);
  dump({line(1, there, 40)});
  EXPECT_EQ(seen(busy).counters.packets, 40u);
  EXPECT_EQ(seen(idle).counters.packets, 0u);
  EXPECT_EQ(seen(idle).statistics, Statistics::estimated) << "it was under it all the same";
}

TEST_F(MegaflowJoinTest, ASingleKnownConnectionTakesAllAndIsMarkedAsOthersMayHaveGoneUnseen) {
  const Observation only = between(tuple("fd00::1", 1000, "fd00::2", 80));
  const std::string there =
      "recirc_id(0),in_port(p1),eth_type(0x86dd),ipv6(src=fd00::1,dst=fd00::/ffff::,proto=6,frag=no),tcp(src=0/"
      "0,dst=80)";
  dump({line(1, there, 7)});  // before the exporter: nobody's
  seen(only);
  dump({line(1, there, 27)});
  seen(only);
  dump({line(1, there, 27)});
  EXPECT_EQ(seen(only).counters, (flowstore::Counters{20, 2'000, 0, 0}));
  EXPECT_EQ(seen(only).statistics, Statistics::estimated);
  EXPECT_EQ(seen(only).relative_error_percent, 100);
}

TEST_F(MegaflowJoinTest, OnlyTheEntryStageCountsAndOnlyWhereTheZoneIsAhead) {
  const Observation in_b = between(tuple("10.0.0.1", 1000, "10.0.0.2", 80), zone);
  const Observation in_a = between(tuple("10.0.0.1", 1001, "10.0.0.2", 80), 9);
  std::string second = any_v4, third = any_v4;
  second.replace(second.find("(0)"), 3, "(0x1)");
  third.replace(third.find("(0)"), 3, "(0x2)");
  const auto chain = [&](std::uint64_t packets) {  // zone 9, then 65520
    return std::vector{line(1, any_v4, packets, "ct(zone=9,nat),recirc(0x1)"),
                       line(2, second, packets, "ct(zone=65520,nat),recirc(0x2)"), line(3, third, packets, "p2")};
  };
  dump(chain(0));
  dump(chain(10));
  seen(in_a), seen(in_b);
  dump(chain(10));
  const auto a = seen(in_a).counters, b = seen(in_b).counters;
  EXPECT_EQ(a.packets + a.reverse_packets + b.packets + b.reverse_packets, 10u);
  EXPECT_GT(a.packets, 0u);
  EXPECT_GT(b.packets, 0u);
  EXPECT_EQ(stats().shared, 1u);
}

TEST_F(MegaflowJoinTest, ANewWayMovesAMegaflowToOtherConnections) {
  const Observation here = between(tuple("10.0.0.1", 1000, "10.0.0.2", 80));
  std::string later = any_v4;
  later.replace(later.find("(0)"), 3, "(0x7)");
  dump({line(1, any_v4, 0, "recirc(0x7)"), line(2, later, 0, "p2")});
  seen(here);
  dump({line(1, any_v4, 10, "recirc(0x7)"), line(2, later, 10, "p2")});
  seen(here);
  dump({line(1, any_v4, 10, "recirc(0x7)"), line(2, later, 10, "ct(zone=65520),recirc(0x8)")});
  EXPECT_EQ(seen(here).statistics, Statistics::none) << "it led to no zone when it counted";
  dump({line(1, any_v4, 16, "recirc(0x7)"), line(2, later, 16, "ct(zone=65520),recirc(0x8)")});
  seen(here);
  // The recirculation id changes, as after a change of rules.
  std::string fresh = any_v4;
  fresh.replace(fresh.find("(0)"), 3, "(0x9)");
  dump({line(1, any_v4, 20, "recirc(0x9)"), line(4, fresh, 4, "ct(zone=65520),recirc(0x8)")});
  seen(here);
  dump({line(1, any_v4, 20, "recirc(0x9)"), line(4, fresh, 4, "ct(zone=65520),recirc(0x8)")});
  const auto counted = seen(here).counters;
  EXPECT_EQ(counted.packets + counted.reverse_packets, 10u);
  EXPECT_EQ(stats().routes, 2u);
}

TEST_F(MegaflowJoinTest, AServicesConnectionIsCountedByItsTuplesAsTheyEnter) {
  Observation service = between(tuple("10.0.0.1", 1000, "10.96.0.10", 80));
  service.reply = tuple("10.0.0.2", 8080, "10.0.0.1", 1000);
  const std::string there =
      "recirc_id(0),in_port(p1),eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.96.0.0/"
      "255.255.0.0,proto=6,frag=no),tcp(src=0/0,dst=80)";
  const std::string back =
      "recirc_id(0),in_port(p2),eth_type(0x0800),ipv4(src=10.0.0.2,dst=0.0.0.0/"
      "0.0.0.0,proto=6,frag=no),tcp(src=8080,dst=0/0)";
  dump({line(1, there, 0), line(2, back, 0)});
  dump({line(1, there, 10, "ct(commit,zone=65520,nat(dst=10.0.0.2:8080)),recirc(0x2)"), line(2, back, 6)});
  seen(service);
  dump({line(1, there, 10), line(2, back, 6)});
  EXPECT_EQ(seen(service).counters, (flowstore::Counters{10, 1'000, 6, 600}));
}

TEST_F(MegaflowJoinTest, TwoPingsAndTheirFragmentsShare) {
  const auto ping = [](std::uint16_t id) {
    Observation one = between(tuple("10.0.0.1", id, "10.0.0.2", 8 * 256, 1));
    one.reply = tuple("10.0.0.2", id, "10.0.0.1", 0, 1);
    return one;
  };
  const std::string echo =
      "recirc_id(0),in_port(p1),eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2,proto=1,frag=no),icmp(type=8/"
      "0xf8,code=0/0)";
  const std::string later =
      "recirc_id(0),in_port(p1),eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2,proto=1,frag=later),icmp(type=0,code="
      "0)";
  dump({line(1, echo, 0), line(2, later, 0)});
  dump({line(1, echo, 6), line(2, later, 4)});
  seen(ping(1)), seen(ping(2));
  dump({line(1, echo, 6), line(2, later, 4)});
  for (const std::uint16_t id : {1, 2}) {
    EXPECT_EQ(seen(ping(id)).counters, (flowstore::Counters{5, 500, 0, 0}));
    EXPECT_EQ(seen(ping(id)).statistics, Statistics::estimated);
  }
}

TEST_F(MegaflowJoinTest, NetflowStaysTheAuthorityAndItsConnectionsTakeNoShare) {
  counters_.set_netflow_active(true);
  const Observation tcp = between(tuple("10.0.0.1", 1000, "10.0.0.2", 80));
  const Observation ping = between(tuple("10.0.0.1", 7, "10.0.0.2", 8 * 256, 1));
  dump({line(1, any_v4, 0)});
  counters_.add_netflow({tcp.original, 9, 900}, now_);
  dump({line(1, any_v4, 10)});
  seen(tcp), seen(ping);
  dump({line(1, any_v4, 10)});
  EXPECT_EQ(seen(tcp).counters, (flowstore::Counters{9, 900, 0, 0}));
  EXPECT_EQ(seen(tcp).statistics, Statistics::exact);
  EXPECT_EQ(seen(ping).counters.packets + seen(ping).counters.reverse_packets, 10u);
}

TEST_F(MegaflowJoinTest, GrowthNobodyClaimsWaitsForABoundedTime) {
  const Observation late = between(tuple("10.0.0.1", 1000, "10.0.0.2", 80));
  dump({line(1, any_v4, 0)});
  dump({line(1, any_v4, 10)});
  now_.monotonic_ms += 30'000;
  dump({line(1, any_v4, 10)});
  EXPECT_EQ(stats().unmatched, Amount{});
  seen(late);
  dump({line(1, any_v4, 12)});
  const auto counted = seen(late).counters;
  EXPECT_EQ(counted.packets + counted.reverse_packets, 10u) << "kept until somebody came";
  dump({line(1, any_v4, 12)});
  counters_.forget(late.original, late.reply);
  dump({line(1, any_v4, 15)});
  now_.monotonic_ms += 60'000;
  dump({line(1, any_v4, 15)});
  EXPECT_EQ(stats().unmatched, (Amount{3, 300}));
}

TEST_F(MegaflowJoinTest, UfidReuseAndCountersThatGoBack) {
  const Observation a = between(tuple("10.0.0.1", 1000, "10.0.0.2", 80));
  const Observation b = between(tuple("fd00::1", 1000, "fd00::2", 80));
  const std::string v6 = "recirc_id(0),in_port(p1),eth_type(0x86dd),ipv6(src=::/::,dst=::/::,proto=6/0,frag=no)";
  dump({line(1, any_v4, 5)});
  dump({line(1, any_v4, 2)});  // expired and came back
  seen(a), seen(b);
  dump({line(1, v6, 3)});  // the ufid is another flow's now
  seen(a), seen(b);
  dump({line(1, v6, 3)});
  const auto of_a = seen(a).counters, of_b = seen(b).counters;
  EXPECT_EQ(of_a.packets + of_a.reverse_packets, 2u);
  EXPECT_EQ(of_b.packets + of_b.reverse_packets, 3u);
  EXPECT_EQ(stats().counter_restarts, 2u);
}

TEST_F(MegaflowJoinTest, WhatIsNotInTheDumpIsForgottenWithItsBucket) {
  dump({idled_out(line(1, any_v4, 0))});
  seen(between(tuple("10.0.0.1", 1000, "10.0.0.2", 80)));
  EXPECT_EQ(stats().memberships, 2u);
  dump({});
  EXPECT_EQ(stats().megaflows, 1u) << "a dump can miss a megaflow";
  dump({});
  EXPECT_EQ(stats().megaflows, 0u);
  EXPECT_EQ(stats().buckets, 0u);
  EXPECT_EQ(stats().memberships, 0u);
  EXPECT_EQ(stats().routes, 0u);
}

TEST_F(MegaflowJoinTest, ASharedMegaflowThatWentTooEarlyLeavesAMarkOnEveryConnectionUnderIt) {
  const Observation here = between(tuple("10.0.0.1", 1000, "10.0.0.2", 80));
  const Observation later = between(tuple("10.0.0.1", 1001, "10.0.0.2", 80));
  dump({line(1, any_v4, 0)});
  dump({line(1, any_v4, 10)});
  seen(here);
  dump({});  // used 0.1 s before the last dump
  seen(here), seen(later);
  dump({});
  EXPECT_EQ(seen(here).counters.packets + seen(here).counters.reverse_packets, 10u);
  EXPECT_EQ(seen(here).relative_error_percent, 1'000'000);
  EXPECT_EQ(seen(later).relative_error_percent, 1'000'000) << "it may have come before the megaflow went";
  EXPECT_EQ(stats().gone_early, 1u);
  EXPECT_EQ(stats().buckets, 0u);
}

TEST_F(MegaflowJoinTest, ASharedMegaflowThatIdledOutHasToldEverything) {
  const Observation here = between(tuple("10.0.0.1", 1000, "10.0.0.2", 80));
  dump({line(1, any_v4, 0)});
  dump({idled_out(line(1, any_v4, 10))});
  seen(here);
  dump({});
  seen(here);
  dump({});
  EXPECT_EQ(seen(here).counters.packets + seen(here).counters.reverse_packets, 10u);
  EXPECT_LT(seen(here).relative_error_percent, 1'000);
  EXPECT_EQ(stats().gone_early, 0u);
}

// Few flows change between two dumps: ways are not searched anew, and members are not looked for again.
TEST_F(MegaflowJoinTest, ADumpLikeTheLastRebuildsNothing) {
  std::vector<std::string> lines;
  for (int i = 0; i < 500; ++i) {
    lines.push_back(line(i + 1,
                         "recirc_id(0),in_port(p1),eth_type(0x0800),ipv4(src=10.0." + std::to_string(i / 250) + "." +
                             std::to_string(i % 250) + ",dst=0.0.0.0/0.0.0.0,proto=6/0,frag=no)",
                         static_cast<std::uint64_t>(i)));
  }
  dump(lines);
  const auto before = stats();
  EXPECT_EQ(before.buckets, 500u);
  EXPECT_EQ(before.masks, 1u);
  dump(lines);
  EXPECT_EQ(stats().buckets, 500u);
  EXPECT_EQ(stats().routes, before.routes);
}

}  // namespace
}  // namespace ofe::correlate
