#include <gtest/gtest.h>

#include "metadata_messages.h"

namespace ofe::k8s::test {
namespace {

TEST(Address, IPv4IsMapped) {
  const Address expected = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 2, 3};
  EXPECT_EQ(address_from_bytes(std::string("\x0a\x01\x02\x03", 4)), expected);
}

TEST(Address, IPv6IsTakenAsItStands) {
  const Address expected = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  EXPECT_EQ(address_from_bytes(std::string(expected.begin(), expected.end())), expected);
}

TEST(Address, OtherLengthsAreNone) {
  for (const std::size_t length : {0, 1, 3, 5, 15, 17}) {
    EXPECT_EQ(address_from_bytes(std::string(length, '\x01')), std::nullopt) << length;
  }
}

TEST(Cidr, HoldsWhatSharesItsPrefix) {
  const Cidr cidr{address("10.1.64.0"), 96 + 18};
  EXPECT_TRUE(cidr.contains(address("10.1.64.0")));
  EXPECT_TRUE(cidr.contains(address("10.1.127.255")));
  EXPECT_FALSE(cidr.contains(address("10.1.128.0")));
  EXPECT_FALSE(cidr.contains(address("10.1.63.255")));
  EXPECT_FALSE(cidr.contains(address("2001:db8::1")));
}

TEST(Cidr, OfAllBitsHoldsOneAddressAndOfNoneEvery) {
  const Cidr one{address("2001:db8::1"), 128};
  EXPECT_TRUE(one.contains(address("2001:db8::1")));
  EXPECT_FALSE(one.contains(address("2001:db8::2")));
  const Cidr every{address("::"), 0};
  EXPECT_TRUE(every.contains(address("2001:db8::1")));
}

}  // namespace
}  // namespace ofe::k8s::test
