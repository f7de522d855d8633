#include "ovs-plugin/denied/drop_key.h"

#include <gtest/gtest.h>

#include "tests/ovs-plugin/denied/drop_megaflow.h"

namespace ofe::denied {
namespace {

DropKey key_of(const std::string& keys) {
  return drop_key(DropMegaflow(1, keys, 1, 62).flow);
}
std::string text(const flowstore::Address& address) {
  return flowstore::to_string(address);
}

TEST(DropKey, OnlyWhatIsPinnedIsSaid) {
  const DropKey key = key_of(probe_keys);
  const flowstore::Tuple values = pinned_values(key);
  EXPECT_EQ(key.in_port, "p1");
  EXPECT_EQ(text(values.source), "0.0.0.0");
  EXPECT_EQ(prefix_length(key.source, true), 0);
  EXPECT_EQ(values.protocol, 17);
  EXPECT_EQ(values.source_port, 0);
  EXPECT_EQ(values.destination_port, 9999);
  EXPECT_FALSE(is_exact(key));
}

TEST(DropKey, TheFirstPacketsValuesUnderAZeroMaskMakeNoDifference) {
  std::string other = probe_keys;
  other.replace(other.find("58876"), 5, "58877");
  EXPECT_EQ(key_of(probe_keys), key_of(other));
}

TEST(DropKey, PrefixesOfBothFamilies) {
  const DropKey v4 =
      key_of("in_port(p1),eth_type(0x0800),ipv4(src=10.79.0.77/255.255.255.192,dst=10.79.0.1,proto=1/0)");
  EXPECT_EQ(text(pinned_values(v4).source), "10.79.0.64");
  EXPECT_EQ(prefix_length(v4.source, true), 26);
  EXPECT_EQ(prefix_length(v4.destination, true), 32);
  EXPECT_EQ(pinned_values(v4).protocol, 0);
  const DropKey v6 = key_of(
      "in_port(p1),eth_type(0x86dd),ipv6(src=fd79::1/ffff::,dst=fd79::2,proto=58),"
      "icmpv6(type=128,code=0)");
  EXPECT_EQ(text(pinned_values(v6).source), "fd79::");
  EXPECT_EQ(prefix_length(v6.source, false), 16);
  EXPECT_EQ(prefix_length(v6.destination, false), 128);
  EXPECT_EQ(pinned_values(v6).destination_port, 128 * 256);
}

TEST(DropKey, WithoutAddressesTheFamilyIsStillKnown) {
  const DropKey key = key_of("in_port(p1),eth_type(0x0800)");
  EXPECT_EQ(prefix_length(key.source, true), 0);
  EXPECT_EQ(text(pinned_values(key).source), "0.0.0.0");
  EXPECT_TRUE(key.is_ip());
  EXPECT_FALSE(key_of("in_port(p1),eth_type(0x0806),arp(sip=10.79.0.1)").is_ip());
}

TEST(DropKey, ExactIsAWhole5Tuple) {
  EXPECT_TRUE(is_exact(key_of(exact_keys)));
  EXPECT_FALSE(
      is_exact(key_of("in_port(p1),eth_type(0x0800),ipv4(src=10.79.0.1,dst=10.79.0.2,proto=1,frag=no),"
                      "icmp(type=8,code=0)")));
  EXPECT_FALSE(
      is_exact(key_of("in_port(p1),eth_type(0x0800),ipv4(src=10.79.0.1,dst=10.79.0.2,proto=17,frag=no),"
                      "udp(src=1,dst=2/0xfffe)")));
}

}  // namespace
}  // namespace ofe::denied
