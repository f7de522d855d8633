#include "ovs-plugin/datapath/megaflow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ovs-plugin/datapath/tuple_match.h"
#include "tests/mutations.h"
#include "tests/ovs-plugin/lines_of_file.h"

namespace ofe::datapath {
namespace {

using flowstore::Address;
using flowstore::parse_address;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* recordings[] = {OFE_TEST_DATA "/ovs-3.1-userspace.txt", OFE_TEST_DATA "/ovs-3.1-kernel.txt"};

Megaflow read(std::string_view line) {
  Megaflow flow;
  std::string error;
  EXPECT_TRUE(parse_megaflow(line, flow, error)) << line << "\n" << error;
  return flow;
}

std::string problem_of(std::string_view line) {
  Megaflow flow;
  std::string error;
  EXPECT_FALSE(parse_megaflow(line, flow, error)) << line;
  return error;
}

// A line with these keys and otherwise nothing of interest.
std::string flow_of(const std::string& keys) {
  return keys + ", packets:1, bytes:74, used:never, actions:drop";
}

TEST(Megaflow, EveryRecordedLineIsRead) {
  for (const char* file : recordings) {
    std::size_t flows = 0;
    for (const std::string& line : lines_of_file(file)) {
      if (!is_flow_line(line)) {
        EXPECT_EQ(line, "flow-dump from the main thread:");
        continue;
      }
      ++flows;
      const Megaflow flow = read(line);
      EXPECT_TRUE(flow.has_ufid);
      EXPECT_THAT(flow.in_port, testing::AnyOf("v1", "v2", "v3"));
      // The comparison with the text itself: what ends the line decides.
      EXPECT_EQ(flow.drop, line.find("actions:drop") != std::string::npos);
      EXPECT_EQ(flow.ct.size(), line.find("actions:ct(") != std::string::npos ? 1u : 0u);
      EXPECT_EQ(!flow.recircs.empty(), line.find(",recirc(") != std::string::npos);
      EXPECT_EQ(flow.outputs.size(), flow.drop || !flow.ct.empty() ? 0u : 1u);
      EXPECT_EQ(flow.used_ms_ago < 0, line.find("used:never") != std::string::npos);
    }
    EXPECT_GT(flows, 30u);
  }
}

TEST(Megaflow, OnlyMaskedBitsMeanAnything) {
  const Megaflow flow = read(
      "ufid:ed5e682a-24a0-4ee8-bf5e-a449c8269bfe, "
      "skb_priority(0/0),skb_mark(0/0),ct_state(0x21/0x31),ct_zone(0xfff0/0),"
      "ct_mark(0/0),ct_label(0/0),ct_tuple4(src=10.10.0.3/0.0.0.0,dst=10.10.0.2/0.0.0.0,proto=6/0,tp_src=47548/0,"
      "tp_dst=5204/0),recirc_id(0x12),dp_hash(0/0),in_port(v3),packet_type(ns=0,id=0),eth(src=0a:00:00:00:00:03/"
      "00:00:00:00:00:00,dst=0a:00:00:00:00:02/00:00:00:00:00:00),eth_type(0x0800),ipv4(src=10.10.0.3/0.0.0.0,"
      "dst=10.10.0.2/255.192.0.0,proto=6,tos=0/0,ttl=64/0,frag=no),tcp(src=47548/0,dst=5204/0xe000),tcp_flags(0/0), "
      "packets:3, bytes:222, used:5.968s, flags:S, dp:ovs, actions:ct(commit,zone=65520,mark=0x1/0xffffffff,"
      "label=0x55/0xffffffff),recirc(0x13), dp-extra-info:miniflow_bits(4,3)");
  EXPECT_EQ(flow.ufid,
            (Ufid{0xed, 0x5e, 0x68, 0x2a, 0x24, 0xa0, 0x4e, 0xe8, 0xbf, 0x5e, 0xa4, 0x49, 0xc8, 0x26, 0x9b, 0xfe}));
  EXPECT_EQ(flow.recirc_id, 0x12u);
  EXPECT_EQ(flow.in_port, "v3");
  EXPECT_EQ(flow.eth_type, 0x0800);
  EXPECT_FALSE(flow.vlan);
  EXPECT_EQ(flow.source.value, parse_address("0.0.0.0"));
  EXPECT_EQ(flow.source.mask, (Address{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0}));
  EXPECT_EQ(flow.destination.value, parse_address("10.0.0.0"));
  EXPECT_EQ(flow.destination.mask,
            (Address{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 192, 0, 0}));
  EXPECT_EQ(flow.protocol.value, 6);
  EXPECT_EQ(flow.protocol.mask, 0xff);
  EXPECT_EQ(flow.source_port.value, 0);
  EXPECT_EQ(flow.source_port.mask, 0);
  EXPECT_EQ(flow.destination_port.value, 0);  // 5204 & 0xe000
  EXPECT_EQ(flow.destination_port.mask, 0xe000);
  EXPECT_EQ(flow.packets, 3u);
  EXPECT_EQ(flow.octets_l2, 222u);
  EXPECT_EQ(octets_l3(flow), 180u);
  EXPECT_EQ(flow.used_ms_ago, 5968);
  EXPECT_FALSE(flow.offloaded);
  EXPECT_THAT(flow.recircs, ElementsAre(0x13u));
}

TEST(Megaflow, Ipv6WithUnknownKeysAndIcmp) {
  const Megaflow flow = read(
      "ufid:3400ce1a-14aa-4d1b-8750-e7ffbe322ba5, recirc_id(0),in_port(v3),eth_type(0x86dd),ipv6(src=::/::,"
      "dst=fd00:10::/ffff:ffff::,label=0/0,proto=58,tclass=0/0,hlimit=0/0,frag=no),key32(00 00/00 00),"
      "icmpv6(type=128/0xfc,code=3), packets:42, bytes:4956, used:0.192s, dp:ovs, "
      "actions:ct(zone=65510,nat),recirc(0x1)");
  EXPECT_EQ(flow.source.value, Address{});
  EXPECT_EQ(flow.source.mask, Address{});
  EXPECT_EQ(flow.destination.value, parse_address("fd00:10::"));
  EXPECT_EQ(flow.destination.mask, parse_address("ffff:ffff::"));
  EXPECT_EQ(flow.icmp_type.value, 128);
  EXPECT_EQ(flow.icmp_type.mask, 0xfc);
  EXPECT_EQ(flow.icmp_code.value, 3);
  EXPECT_EQ(flow.icmp_code.mask, 0xff);
  ASSERT_EQ(flow.ct.size(), 1u);
  EXPECT_EQ(flow.ct[0].zone, 65510);
}

TEST(Megaflow, KeysThatBeginLikeKnownOnesAreNotTakenForThem) {
  const Megaflow flow = read(flow_of(
      "ct_stateful(a(b)c),eth(dst=0a:00:00:00:00:01),tcp_flagship(x(y)),dp_hash2(1),recirc_id2(7),recirc_id(0x5),"
      "in_port2(v9),ipv4_more(src=1),tcps(src=1,dst=2),future(nested(more(1),2)),eth_type(0x86dd)"));
  EXPECT_EQ(flow.recirc_id, 5u);
  EXPECT_EQ(flow.in_port, "");
  EXPECT_EQ(flow.eth_type, 0x86dd);
  EXPECT_EQ(flow.destination_port.mask, 0);
}

TEST(Megaflow, VlanEncapsulation) {
  const Megaflow flow = read(
      "recirc_id(0),in_port(2),eth(src=0a:00:00:00:00:01,dst=0a:00:00:00:00:02),eth_type(0x8100),vlan(vid=10,pcp=0),"
      "encap(eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2,proto=17,frag=first),udp(src=1,dst=2)), packets:10, "
      "bytes:1000, used:0.001s, actions:pop_vlan,3");
  EXPECT_TRUE(flow.vlan);
  EXPECT_EQ(flow.eth_type, 0x0800);
  EXPECT_EQ(flow.fragment, 1);
  EXPECT_EQ(octets_l3(flow), 820u);
  EXPECT_THAT(flow.outputs, ElementsAre("3"));
  EXPECT_FALSE(flow.has_ufid);
  TupleMatch match;
  ASSERT_TRUE(tuple_match(flow, match) && pins(match));
  EXPECT_EQ(match.value, (flowstore::Tuple{*parse_address("10.0.0.1"), *parse_address("10.0.0.2"), 1, 2, 17}));
  EXPECT_TRUE(read(flow_of("recirc_id(0),eth_type(0x8100),vlan(vid=10,pcp=0),encap()")).vlan);
}

TEST(Megaflow, TunnelsMplsAndArpArePassedOver) {
  const std::string line = flow_of(
      "recirc_id(0),tunnel(tun_id=0x7b,src=1.1.2.92,dst=1.1.2.88,ttl=64,geneve({class=0xffff,type=0x80,len=4,0xa/0xf}"
      "{class=0xfffe,type=0,len=0}),flags(-df-csum+key)),in_port(vxlan_sys_4789),eth_type(0x0806),"
      "arp(sip=1.2.3.4,tip=5.6.7.8,op=1,sha=00:0f:02:01:01:01,tha=00:00:00:00:00:00)");
  const Megaflow flow = read(line);
  EXPECT_EQ(flow.in_port, "vxlan_sys_4789");
  EXPECT_EQ(flow.eth_type, 0x0806);
  EXPECT_EQ(flow.source.mask, Address{});  // not the tunnel's
}

TEST(Megaflow, StatisticsAndOffload) {
  const std::string keys = "recirc_id(0),in_port(1),eth_type(0x0800)";
  const Megaflow tc = read(keys + ", packets:1, bytes:5, used:-0.002s, offloaded:yes, dp:tc, actions:2");
  EXPECT_TRUE(tc.offloaded);
  EXPECT_TRUE(tc.in_tc);
  EXPECT_EQ(tc.used_ms_ago, 0);
  EXPECT_EQ(octets_l3(tc), 0u);  // fewer octets than headers: nothing rather than an overflow
  EXPECT_FALSE(read(keys + ", packets:1, bytes:60, used:never, offloaded:partial, dp:ovs, actions:2").offloaded);
  EXPECT_EQ(octets_l3(read(keys + ", packets:9, bytes:882, used:0.1s, dp:ovs, actions:2")), 756u);
  EXPECT_EQ(octets_l3(read(keys + ", packets:9, bytes:882, used:0.1s, offloaded:yes, dp:dpdk, actions:2")), 756u);
  EXPECT_EQ(octets_l3(read(keys + ", packets:9, bytes:882, used:0.1s, offloaded:yes, dp:tc, actions:2")), 756u);
  EXPECT_EQ(octets_l3(read(keys + ", packets:9, bytes:756, used:0.1s, dp:tc, actions:2")), 756u);
  Megaflow most;
  most.packets = most.octets_l2 = ~std::uint64_t{0};
  EXPECT_EQ(octets_l3(most), 0u);
}

TEST(Megaflow, TheKeysAsPrinted) {
  Megaflow flow;
  std::string error;
  const std::string line =
      "ufid:67853e8b-b498-4c47-9c72-02fe68086ad1, recirc_id(0x10),in_port(v1),eth_type(0x0800),"
      "ipv4(frag=no), packets:0, bytes:0, used:never, dp:ovs, actions:drop";
  ASSERT_TRUE(parse_megaflow(line, flow, error)) << error;
  EXPECT_EQ(flow.keys, line.substr(0, line.find(", packets:")));
}

TEST(Megaflow, NothingOfThePreviousLineStays) {
  Megaflow flow;
  std::string error;
  const auto lines = lines_of_file(recordings[1]);
  for (const std::string& line : lines) ASSERT_EQ(parse_megaflow(line, flow, error), is_flow_line(line));
  ASSERT_TRUE(parse_megaflow(flow_of("recirc_id(0)"), flow, error));
  EXPECT_FALSE(flow.has_ufid);
  EXPECT_EQ(flow.in_port, "");
  EXPECT_EQ(flow.eth_type, 0);
  EXPECT_EQ(flow.destination.mask, Address{});
  EXPECT_TRUE(flow.ct.empty() && flow.outputs.empty() && flow.recircs.empty());
}

TEST(Megaflow, ErrorsSayColumnAndWhatWasExpected) {
  EXPECT_EQ(problem_of(""), "column 1: expected a name, found the end of the line");
  EXPECT_EQ(problem_of("flow-dump from the main thread:"),
            "column 32: expected packets:, bytes: and actions:, found the end of the line");
  EXPECT_EQ(problem_of("ufid:67853e8b, recirc_id(0)"),
            "column 6: expected a ufid such as 67853e8b-b498-4c47-9c72-02fe68086ad1, found \"67853e8b, recirc_id(0)\"");
  EXPECT_EQ(problem_of("recirc_id(0),x"), "column 15: expected '(' or ':' after a name, found the end of the line");
  EXPECT_EQ(problem_of("recirc_id(z)"), "column 11: expected a number of 32 bits, found \"z)\"");
  EXPECT_EQ(problem_of("ipv4(src=1.1.1)"), "column 10: expected an IP address, found \"1.1.1)\"");
  EXPECT_EQ(problem_of("ipv4(src=::1/1.1.1)"), "column 14: expected an IP address, found \"1.1.1)\"");
  EXPECT_EQ(problem_of("eth(dst=0a"), "column 4: expected a ')' for this '(', found \"(dst=0a\"");
  EXPECT_THAT(problem_of("recirc_id(0), packets:1, bytes:2, used:x, actions:drop"),
              HasSubstr("expected never, or seconds"));
  EXPECT_THAT(problem_of("recirc_id(0), packets:1, bytes:2, used:1e99s, actions:drop"),
              HasSubstr("expected never, or seconds"));
  EXPECT_THAT(problem_of("recirc_id(0), packets:1, bytes:2, used:never"),
              HasSubstr("expected packets:, bytes: and actions:"));
  EXPECT_THAT(problem_of(flow_of("encap(encap(encap(encap(encap(eth_type(0x0800))))))")),
              HasSubstr("at most 4 levels"));
}

TEST(Megaflow, FlowLines) {
  EXPECT_FALSE(is_flow_line(""));
  EXPECT_FALSE(is_flow_line("  \r\n"));
  EXPECT_FALSE(is_flow_line("flow-dump from pmd on cpu core: 3"));
  EXPECT_TRUE(is_flow_line("recirc_id(0)"));
}

TEST(Megaflow, SurvivesTruncationAndMutation) {
  Mutations mutations;
  Megaflow flow;
  for (const char* file : recordings) {
    for (const std::string& line : lines_of_file(file)) {
      std::string error;
      for (std::size_t length = 0; length < line.size(); ++length) {
        const std::vector<char> cut(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(length));
        error.clear();
        const bool read = parse_megaflow({cut.data(), cut.size()}, flow, error);
        EXPECT_EQ(read, error.empty());
      }
      for (int i = 0; i < 1000; ++i) {
        const auto damaged = mutations.damaged(std::span<const char>(line));
        error.clear();
        const bool read = parse_megaflow({damaged.data(), damaged.size()}, flow, error);
        EXPECT_EQ(read, error.empty());
        EXPECT_LE(octets_l3(flow), flow.octets_l2);
      }
    }
  }
}

}  // namespace
}  // namespace ofe::datapath
