#include <gtest/gtest.h>

#include "metadata_messages.h"

namespace ofe::k8s::test {
namespace {

using metadata::v1::Removal;

class Nodes : public testing::Test {
 protected:
  template <typename... Messages>
  void apply(const Messages&... messages) {
    directory_.apply(update_of(messages...), 1000);
  }
  std::string with_address(const std::string& text) const { return name_of(directory_.node(address(text))); }
  std::string with_pod(const std::string& text) const { return name_of(directory_.node_of_pod_address(address(text))); }

  Directory directory_;
};

TEST_F(Nodes, AreFoundByNameAndByTheirAddresses) {
  apply(node("worker", {"192.0.2.1", "2001:db8::1"}));
  EXPECT_EQ(with_address("192.0.2.1"), "worker");
  EXPECT_EQ(with_address("2001:db8::1"), "worker");
  EXPECT_EQ(with_address("192.0.2.2"), "-");
  EXPECT_EQ(name_of(directory_.node_named("worker")), "worker");
  EXPECT_EQ(directory_.node_named("other"), nullptr);
}

TEST_F(Nodes, AreFoundByThePodCidrThatHoldsAnAddress) {
  apply(with_cidr(with_cidr(node("a", {}), "10.10.0.0", 24), "fd00:10::", 64),
        with_cidr(node("b", {}), "10.10.1.0", 24));
  EXPECT_EQ(with_pod("10.10.0.0"), "a");
  EXPECT_EQ(with_pod("10.10.0.255"), "a");
  EXPECT_EQ(with_pod("10.10.1.7"), "b");
  EXPECT_EQ(with_pod("10.10.2.0"), "-");
  EXPECT_EQ(with_pod("fd00:10::42"), "a");
  EXPECT_EQ(with_pod("fd00:10:0:1::1"), "-");
}

TEST_F(Nodes, TheLongestPrefixDecides) {
  apply(with_cidr(node("wide", {}), "10.0.0.0", 8), with_cidr(node("narrow", {}), "10.10.64.0", 18));
  EXPECT_EQ(with_pod("10.10.64.1"), "narrow");
  EXPECT_EQ(with_pod("10.10.127.255"), "narrow");
  EXPECT_EQ(with_pod("10.10.128.0"), "wide");
  apply(removal(Removal::NODE, "narrow"));
  EXPECT_EQ(with_pod("10.10.64.1"), "wide");
}

TEST_F(Nodes, ACidrWithBitsBehindItsPrefixIsItsNetwork) {
  apply(with_cidr(node("a", {}), "10.10.0.77", 24));
  EXPECT_EQ(with_pod("10.10.0.1"), "a");
}

TEST_F(Nodes, AnUpdateReplacesAddressesAndCidrs) {
  apply(with_cidr(node("a", {"192.0.2.1"}), "10.10.0.0", 24));
  apply(with_cidr(node("a", {"192.0.2.2"}), "10.10.5.0", 25));
  EXPECT_EQ(with_address("192.0.2.1"), "-");
  EXPECT_EQ(with_address("192.0.2.2"), "a");
  EXPECT_EQ(with_pod("10.10.0.1"), "-");
  EXPECT_EQ(with_pod("10.10.5.1"), "a");
  EXPECT_EQ(directory_.stats().nodes, 1u);
}

TEST_F(Nodes, ACidrLongerThanItsAddressIsLeftOutAndCounted) {
  apply(with_cidr(with_cidr(node("a", {}), "10.10.0.0", 33), "10.10.1.0", 24));
  EXPECT_EQ(with_pod("10.10.0.0"), "-");
  EXPECT_EQ(with_pod("10.10.1.0"), "a");
  EXPECT_EQ(directory_.stats().invalid, 1u);
}

}  // namespace
}  // namespace ofe::k8s::test
