// Dumps of DPDK datapaths and of hardware offload, in the format of Open vSwitch 3.1 (lib/dpctl.c: dpctl_dump_flows,
// format_dpif_flow): there is no such hardware here.
#include "ovs-plugin/exporter/megaflow_dump.h"

#include <gtest/gtest.h>

namespace ofe {
namespace {

constexpr std::uint16_t zone = 9;

std::string line(int ufid, int source_port, std::uint64_t packets, const std::string& where) {
  return "ufid:00000000-0000-0000-0000-00000000000" + std::to_string(ufid) +
         ", skb_priority(0/0),ct_state(0/0),recirc_id(0),dp_hash(0/0),in_port(v1),packet_type(ns=0,id=0),"
         "eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2,proto=17,tos=0/0,ttl=64/0,frag=no),udp(src=" +
         std::to_string(source_port) + ",dst=53), packets:" + std::to_string(packets) +
         ", bytes:" + std::to_string(packets * 114) + ", used:0.1s" + where +
         ", actions:ct(zone=9),recirc(0x1), dp-extra-info:miniflow_bits(5,1)\n";
}

class MegaflowDumpTest : public ::testing::Test {
 protected:
  MegaflowDumpTest() {
    config::Config settings;
    settings.zones_from_rules = false;
    settings.zones = {zone};
    state_.apply(settings, now_);
  }
  void dump(const std::string& text) {
    now_.monotonic_ms += 5'000;
    dump_.begin(state_, now_);
    dump_.add(state_, text, now_);
    while (dump_.settle(state_, now_)) {
    }
  }
  flowstore::Observation connection(std::uint16_t source_port) {
    flowstore::Observation seen;
    seen.original = {address(1), address(2), source_port, 53, 17};
    seen.reply = {address(2), address(1), 53, source_port, 17};
    seen.zone = zone;
    state_.counters.apply(seen, now_);
    return seen;
  }

  static flowstore::Address address(std::uint8_t last) {
    const std::uint8_t octets[4] = {10, 0, 0, last};
    return flowstore::address_from_ipv4(octets);
  }

  flowstore::Now now_{1'000'000, 1'700'000'000'000};
  State state_{{}, "node", now_};
  MegaflowDump dump_;
};

// A connection's packets can come in by several receive queues: each thread has the flow, with counters of its own.
TEST_F(MegaflowDumpTest, ThreadsCountForThemselves) {
  const auto text = [](std::uint64_t first, std::uint64_t second, std::uint64_t main) {
    return "flow-dump from pmd on cpu core: 2\n" + line(1, 1000, first, ", dp:ovs") + line(2, 2000, 5, ", dp:ovs") +
           "flow-dump from pmd on cpu core: 3\n" + line(1, 1000, second, ", dp:ovs") +
           "flow-dump from the main thread:\n" + line(1, 1000, main, ", dp:ovs");
  };
  dump(text(10, 100, 1));
  const flowstore::Observation seen = connection(1000);
  EXPECT_EQ(seen.statistics, flowstore::Statistics::exact);
  EXPECT_EQ(seen.counters.packets, 111u);
  EXPECT_EQ(seen.counters.octets, 111u * 100);
  EXPECT_EQ(connection(2000).counters.packets, 5u);
  dump(text(11, 300, 1));
  EXPECT_EQ(connection(1000).counters.packets, 312u);
  EXPECT_EQ(connection(2000).counters.packets, 5u);
  EXPECT_EQ(state_.counters.stats().join.counter_restarts, 0u) << "one thread's counters are not the other's";
}

// The threads in another order, and one that no longer has the flow: what it counted stays.
TEST_F(MegaflowDumpTest, AThreadThatLosesItsFlow) {
  const std::string second = "flow-dump from pmd on cpu core: 3\n";
  dump("flow-dump from pmd on cpu core: 2\n" + line(1, 1000, 10, "") + second + line(1, 1000, 100, ""));
  EXPECT_EQ(connection(1000).counters.packets, 110u);
  dump(second + line(1, 1000, 120, ""));
  EXPECT_EQ(connection(1000).counters.packets, 130u);
}

TEST_F(MegaflowDumpTest, HardwareAndTrafficControl) {
  dump("flow-dump from pmd on cpu core: 2\n" + line(1, 1000, 10, ", offloaded:yes, dp:dpdk") +
       line(2, 2000, 20, ", offloaded:partial, dp:ovs") + line(3, 3000, 30, ", offloaded:yes, dp:tc") +
       line(4, 4000, 40, ", dp:tc") + line(5, 5000, 50, ", flags:SP., dpe_packets:15, dpe_bytes:510, dp:new"));
  EXPECT_EQ(dump_.stats().lines, 5u);
  EXPECT_EQ(dump_.stats().unreadable, 0u);
  EXPECT_EQ(connection(1000).counters.octets, 10u * 100);
  EXPECT_EQ(connection(2000).counters.octets, 20u * 100);
  EXPECT_EQ(connection(3000).counters.octets, 30u * 100);
  EXPECT_EQ(connection(4000).counters.octets, 40u * 114) << "traffic control counts IP packets";
  EXPECT_EQ(connection(5000).counters.octets, 50u * 100) << "unknown keys are passed over";
}

}  // namespace
}  // namespace ofe
