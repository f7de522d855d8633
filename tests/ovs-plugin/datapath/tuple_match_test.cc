#include "ovs-plugin/datapath/tuple_match.h"

#include <gtest/gtest.h>

#include "flowstore/address.h"

namespace ofe::datapath {
namespace {

TupleMatch match_of(const std::string& keys) {
  Megaflow flow;
  std::string error;
  EXPECT_TRUE(parse_megaflow(keys + ", packets:0, bytes:0, used:never, actions:drop", flow, error)) << error;
  TupleMatch match;
  EXPECT_TRUE(tuple_match(flow, match));
  return match;
}

flowstore::Tuple tuple(const char* source, std::uint16_t source_port, const char* destination,
                       std::uint16_t destination_port, std::uint8_t protocol) {
  return {*flowstore::parse_address(source), *flowstore::parse_address(destination), source_port, destination_port,
          protocol};
}

TEST(TupleMatch, PrefixesAndPorts) {
  const TupleMatch match = match_of(
      "eth_type(0x0800),ipv4(src=10.1.2.3/255.255.0.0,dst=10.2.0.0/255.255.255.128,proto=6,frag=no),"
      "tcp(src=9/0,dst=5204/0xfff0)");
  EXPECT_TRUE(matches(match, tuple("10.1.9.9", 1, "10.2.0.127", 5215, 6)));
  EXPECT_FALSE(matches(match, tuple("10.3.9.9", 1, "10.2.0.127", 5215, 6)));
  EXPECT_FALSE(matches(match, tuple("10.1.9.9", 1, "10.2.0.128", 5215, 6)));
  EXPECT_FALSE(matches(match, tuple("10.1.9.9", 1, "10.2.0.127", 5216, 6)));
  EXPECT_FALSE(matches(match, tuple("10.1.9.9", 1, "10.2.0.127", 5215, 17)));
  EXPECT_FALSE(pins(match));
}

TEST(TupleMatch, FamiliesAreKeptApartWhateverIsWildcarded) {
  const TupleMatch v4 = match_of("eth_type(0x0800),ipv4(frag=no)"),
                   v6 = match_of("eth_type(0x86dd),ipv6(src=::/::,frag=no)");
  const auto of_v4 = tuple("10.0.0.1", 1, "10.0.0.2", 2, 6), of_v6 = tuple("fd00::1", 1, "fd00::2", 2, 6);
  EXPECT_TRUE(matches(v4, of_v4));
  EXPECT_FALSE(matches(v4, of_v6));
  EXPECT_TRUE(matches(v6, of_v6));
  EXPECT_FALSE(matches(v6, of_v4));
  EXPECT_TRUE(matches(match_of("recirc_id(0),in_port(v1)"), of_v4));
  EXPECT_TRUE(matches(match_of("recirc_id(0),in_port(v1)"), of_v6));
  const TupleMatch prefix = match_of("eth_type(0x86dd),ipv6(src=fd00::/ffff::,dst=fd00::2,proto=6)");
  EXPECT_TRUE(matches(prefix, of_v6));
  EXPECT_FALSE(matches(prefix, tuple("fe00::1", 1, "fd00::2", 2, 6)));
}

TEST(TupleMatch, IcmpHasTypeAndCodeAndNoIdentifier) {
  const TupleMatch match = match_of("eth_type(0x86dd),ipv6(proto=58,frag=no),icmpv6(type=128,code=0/0)");
  EXPECT_TRUE(matches(match, tuple("fd00::1", 77, "fd00::2", 128 * 256 + 3, 58)));
  EXPECT_FALSE(matches(match, tuple("fd00::1", 77, "fd00::2", 129 * 256, 58)));
  EXPECT_FALSE(pins(match_of("eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2,proto=1,frag=no),icmp(type=8,code=0)")));
}

TEST(TupleMatch, LaterFragmentsHaveNoPorts) {
  const std::string ends = "eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2,proto=17,frag=";
  const auto datagram = tuple("10.0.0.1", 5, "10.0.0.2", 53, 17);
  EXPECT_TRUE(matches(match_of(ends + "later),udp(src=0,dst=0)"), datagram));
  EXPECT_FALSE(matches(match_of(ends + "first),udp(src=0,dst=0)"), datagram));
  EXPECT_TRUE(pins(match_of(ends + "first),udp(src=5,dst=53)")));
  EXPECT_FALSE(pins(match_of(ends + "later),udp(src=5,dst=53)")));
}

// As Open vSwitch 3.1 prints them: 44 is the fragment header.
TEST(TupleMatch, LaterFragmentsOfIpv6HaveNoProtocolEither) {
  const std::string ends = "eth_type(0x86dd),ipv6(src=fd00::1,dst=fd00::/ff00::,proto=44,frag=";
  for (const std::uint8_t protocol : {6, 17, 58}) {
    EXPECT_TRUE(matches(match_of(ends + "later)"), tuple("fd00::1", 5, "fd00::2", 53, protocol)));
  }
  EXPECT_FALSE(matches(match_of(ends + "later)"), tuple("fd00::3", 5, "fd00::2", 53, 17)));
  EXPECT_FALSE(matches(match_of(ends + "no)"), tuple("fd00::1", 5, "fd00::2", 53, 17)));
}

TEST(TupleMatch, PinsWhatHasEveryBit) {
  const TupleMatch match = match_of("eth_type(0x86dd),ipv6(src=fd00::1,dst=fd00::2,proto=6,frag=no),tcp(src=5,dst=80)");
  EXPECT_TRUE(pins(match));
  EXPECT_EQ(match.value, tuple("fd00::1", 5, "fd00::2", 80, 6));
}

TEST(TupleMatch, NothingLessPins) {
  const auto pinning = [](const std::string& ip, const std::string& ports) {
    return pins(match_of("recirc_id(0),in_port(1),eth_type(0x0800)," + ip + "," + ports));
  };
  const std::string exact = "ipv4(src=1.1.1.1,dst=2.2.2.2,proto=6,frag=no)";
  EXPECT_TRUE(pinning(exact, "tcp(src=1,dst=2)"));
  EXPECT_FALSE(pinning(exact, "tcp(dst=2)"));  // left out without -m: wildcarded
  EXPECT_FALSE(pinning(exact, "tcp(src=1/0xff00,dst=2)"));
  EXPECT_FALSE(pinning("ipv4(src=1.1.1.1,dst=2.2.2.0/255.255.255.0,proto=6,frag=no)", "tcp(src=1,dst=2)"));
  EXPECT_FALSE(pinning("ipv4(src=1.1.1.1,dst=2.2.2.2,proto=6/0,frag=no)", "tcp(src=1,dst=2)"));
  EXPECT_TRUE(pins(match_of("eth_type(0x86dd),ipv6(src=fd00::1,dst=fd00::2,proto=132,frag=no),sctp(src=1,dst=2)")));
}

TEST(TupleMatch, WhatIsNoIpMatchesNoTuple) {
  Megaflow flow;
  std::string error;
  ASSERT_TRUE(
      parse_megaflow("eth_type(0x0806),arp(sip=10.0.0.1), packets:0, bytes:0, used:never, actions:1", flow, error));
  TupleMatch match;
  EXPECT_FALSE(tuple_match(flow, match));
}

}  // namespace
}  // namespace ofe::datapath
