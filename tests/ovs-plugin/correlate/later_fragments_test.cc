// Under NetFlow fragments after a packet's first are reported without ports: of which connection they are must be told.
#include <gtest/gtest.h>

#include "flowstore/address.h"
#include "ovs-plugin/correlate/datapath_counters.h"

namespace ofe::correlate {
namespace {

using flowstore::Observation;
using flowstore::Statistics;
using flowstore::Tuple;

constexpr std::uint16_t zone = 65520;

Tuple udp(std::uint16_t source_port, std::uint16_t destination_port) {
  return {*flowstore::parse_address("10.0.0.1"), *flowstore::parse_address("10.0.0.2"), source_port, destination_port,
          17};
}

Observation connection(std::uint16_t source_port) {
  Observation seen;
  seen.original = udp(source_port, 53);
  seen.reply = {seen.original.destination, seen.original.source, 53, source_port, 17};
  seen.zone = zone;
  return seen;
}

// As ovs-vswitchd makes it of a first fragment while NetFlow is configured.
datapath::Megaflow first_fragments(std::uint16_t source_port) {
  datapath::Megaflow flow;
  flow.has_ufid = true;
  flow.ufid[15] = static_cast<std::uint8_t>(source_port);
  flow.eth_type = 0x0800;
  const Tuple of = udp(source_port, 53);
  flow.source.value = of.source;
  flow.destination.value = of.destination;
  flow.source.mask.fill(0xff);
  flow.destination.mask.fill(0xff);
  flow.protocol = {17, 0xff};
  flow.source_port = {source_port, 0xffff};
  flow.destination_port = {53, 0xffff};
  flow.fragment = datapath::first_fragment;
  flow.packets = 4;
  flow.octets_l2 = 4 * 1'514;
  flow.ct = {{zone, false, true}};
  flow.used_ms_ago = 100;
  return flow;
}

class LaterFragmentsTest : public testing::Test {
 protected:
  LaterFragmentsTest() { counters_.set_netflow_active(true); }
  void poll(std::initializer_list<datapath::Megaflow> flows, std::int64_t after_ms = 1'000) {
    now_.monotonic_ms += after_ms;
    counters_.begin_dump(now_);
    for (const auto& flow : flows) counters_.add_flow(flow);
    while (counters_.settle(std::span(&zone, 1), now_, 2)) continue;
    for (const std::uint16_t port : {1000, 1001}) seen(port);
  }
  Observation seen(std::uint16_t port) {
    Observation one = connection(port);
    counters_.apply(one, now_);
    return one;
  }
  // Two connections of four packets; what has no ports is of one of them.
  void netflow() {
    counters_.add_netflow({udp(1000, 53), 4, 6'000}, now_);
    counters_.add_netflow({udp(1001, 53), 4, 400}, now_);
    counters_.add_netflow({udp(0, 0), 8, 10'272}, now_);
  }
  flowstore::Now now_{1'000, 1'700'000'000'000};
  DatapathCounters counters_{100, 60'000};
};

TEST_F(LaterFragmentsTest, TheyAreTheConnectionsThatSentFirstOnes) {
  counters_.add_netflow({udp(1000, 53), 4, 6'000}, now_);
  counters_.add_netflow({udp(1001, 53), 4, 400}, now_);
  poll({first_fragments(1000)});
  EXPECT_EQ(seen(1000).relative_error_percent, 1'000'000) << "what was fragmented is marked before its rest has come";
  counters_.add_netflow({udp(0, 0), 8, 10'272}, now_);
  poll({first_fragments(1000)});
  poll({first_fragments(1000)});
  EXPECT_EQ(seen(1000).counters.packets, 12u);
  EXPECT_EQ(seen(1000).counters.octets, 16'272u);
  EXPECT_EQ(seen(1000).statistics, Statistics::estimated);
  EXPECT_NEAR(seen(1000).relative_error_percent, 66.7, 0.1) << "8 of 12 packets may be another's";
  EXPECT_EQ(seen(1001).counters.packets, 4u);
  EXPECT_EQ(seen(1001).statistics, Statistics::exact);
  EXPECT_EQ(counters_.stats().join.apportioned, (Amount{8, 10'272}));
}

TEST_F(LaterFragmentsTest, OfSeveralEachGetsItsShareTimeAndAgain) {
  for (int round = 0; round < 3; ++round) {
    netflow();
    poll({first_fragments(1000), first_fragments(1001)});
    poll({first_fragments(1000), first_fragments(1001)});
    EXPECT_EQ(counters_.stats().join.buckets, 0u) << "kept no longer than there is something to divide";
  }
  EXPECT_EQ(seen(1000).counters.packets, 3 * (4 + 4u));
  EXPECT_EQ(seen(1001).counters.packets, 3 * (4 + 4u));
  EXPECT_EQ(seen(1001).counters.octets, 3 * (400 + 5'136u));
}

TEST_F(LaterFragmentsTest, WhereNoFirstOneWasSeenAnyConnectionMayHaveSentThem) {
  netflow();
  poll({});
  poll({});
  for (const std::uint16_t port : {1000, 1001}) {
    EXPECT_EQ(seen(port).counters.packets, 8u);
    EXPECT_EQ(seen(port).statistics, Statistics::estimated);
  }
}

// In 10 s a megaflow can have come and gone between two dumps.
TEST_F(LaterFragmentsTest, AfterALongTimeWithoutADumpTheOnesThatAreKnownNeedNotBeAll) {
  poll({first_fragments(1000)});
  netflow();
  poll({first_fragments(1000)}, 10'000);
  poll({first_fragments(1000)}, 10'000);
  EXPECT_EQ(seen(1001).statistics, Statistics::estimated);
  EXPECT_EQ(seen(1000).counters.packets + seen(1001).counters.packets, 16u);
}

TEST_F(LaterFragmentsTest, ConnectionsOfOtherAddressesHaveNoPart) {
  Observation other = connection(1000);
  other.original.source = other.reply.destination = *flowstore::parse_address("10.0.0.9");
  counters_.add_netflow({other.original, 4, 400}, now_);
  for (int polls = 0; polls < 3; ++polls) {
    netflow();
    poll({first_fragments(1000)});
    Observation one = other;
    counters_.apply(one, now_);
    EXPECT_EQ(one.statistics, Statistics::exact);
    EXPECT_EQ(one.counters.packets, 4u);
  }
}

TEST_F(LaterFragmentsTest, NobodysAreGivenUpInTime) {
  counters_.add_netflow(
      {{*flowstore::parse_address("10.0.0.7"), *flowstore::parse_address("10.0.0.8"), 0, 0, 17}, 2, 3'000}, now_);
  poll({});
  EXPECT_EQ(counters_.stats().join.unmatched, Amount{});
  poll({}, 60'001);
  EXPECT_EQ(counters_.stats().join.unmatched, (Amount{2, 3'000}));
  EXPECT_EQ(counters_.stats().join.buckets, 0u);
}

TEST_F(LaterFragmentsTest, WithoutNetflowTheMegaflowsCount) {
  datapath::Megaflow later = first_fragments(1000);
  later.ufid[0] = 1;
  later.fragment = datapath::later_fragment;
  later.packets = 0;
  later.octets_l2 = 0;
  counters_.set_netflow_active(false);
  poll({first_fragments(1000), later});
  later.packets = 8;
  later.octets_l2 = 8 * 1'314;
  poll({first_fragments(1000), later});
  poll({first_fragments(1000), later});
  EXPECT_EQ(seen(1000).counters.packets + seen(1001).counters.packets, 4u + 8u);
  EXPECT_EQ(seen(1000).statistics, Statistics::estimated);
  counters_.set_netflow_active(true);
  later.packets = 100;
  later.octets_l2 = 100 * 1'314;
  poll({first_fragments(1000), later});
  poll({first_fragments(1000), later});
  EXPECT_EQ(seen(1000).counters.packets + seen(1001).counters.packets, 4u + 8u) << "NetFlow has them";
}

}  // namespace
}  // namespace ofe::correlate
