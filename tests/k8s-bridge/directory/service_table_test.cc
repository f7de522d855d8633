#include <gtest/gtest.h>

#include "metadata_messages.h"

namespace ofe::k8s::test {
namespace {

using metadata::v1::Removal;

class Services : public testing::Test {
 protected:
  template <typename... Messages>
  void apply(const Messages&... messages) {
    directory_.apply(update_of(messages...), 1000);
  }
  std::string at(const std::string& text, std::uint16_t port, std::uint8_t protocol = tcp) const {
    return service_name(directory_, text, port, protocol);
  }

  Directory directory_;
};

TEST_F(Services, AreFoundByAddressPortAndProtocol) {
  apply(with_port(with_port(service("dns", {"10.96.0.10"}), 53, udp, "dns"), 53, tcp, "dns-tcp"));
  EXPECT_EQ(at("10.96.0.10", 53, udp), "dns:dns");
  EXPECT_EQ(at("10.96.0.10", 53, tcp), "dns:dns-tcp");
  EXPECT_EQ(at("10.96.0.10", 54, udp), "-");
  EXPECT_EQ(at("10.96.0.11", 53, udp), "-");
  EXPECT_EQ(directory_.stats().services, 1u);
}

TEST_F(Services, HaveClusterAddressesOfBothFamiliesAndExternalOnes) {
  auto web = with_port(service("web", {"10.96.0.1", "fd00::1"}), 80, tcp, "http");
  web.add_external_ips(octets("203.0.113.7"));
  apply(web);
  for (const char* text : {"10.96.0.1", "fd00::1", "203.0.113.7"}) EXPECT_EQ(at(text, 80), "web:http") << text;
}

TEST_F(Services, WithoutAnAddressAreKnownByNameOnly) {
  apply(with_port(service("headless", {}), 80, tcp, "http"));
  const Service* found = directory_.service_named("default", "headless");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->ports.at(0).name, "http");
  EXPECT_EQ(directory_.service_named("other", "headless"), nullptr);
}

TEST_F(Services, AnUpdateReplacesPortsAndAddresses) {
  apply(with_port(service("web", {"10.96.0.1"}), 80, tcp, "http"));
  apply(with_port(service("web", {"10.96.0.2"}), 8080, tcp, "alt"));
  EXPECT_EQ(at("10.96.0.1", 80), "-");
  EXPECT_EQ(at("10.96.0.2", 80), "-");
  EXPECT_EQ(at("10.96.0.2", 8080), "web:alt");
  EXPECT_EQ(directory_.stats().services, 1u);
}

TEST_F(Services, TheLastToClaimAPortHasItUntilItGoes) {
  apply(with_port(service("first", {"10.96.0.1"}), 80, tcp, "a"));
  apply(with_port(service("second", {"10.96.0.1"}), 80, tcp, "b"));
  EXPECT_EQ(at("10.96.0.1", 80), "second:b");
  EXPECT_EQ(directory_.stats().contested_service_ports, 1u);
  apply(removal(Removal::SERVICE, "second"));
  EXPECT_EQ(at("10.96.0.1", 80), "first:a");
  EXPECT_EQ(directory_.stats().contested_service_ports, 0u);
  apply(removal(Removal::SERVICE, "first"));
  EXPECT_EQ(at("10.96.0.1", 80), "-");
}

TEST_F(Services, APortOutOfRangeIsLeftOutAndCounted) {
  auto web = with_port(service("web", {"10.96.0.1"}), 80, tcp, "http");
  apply(with_port(with_port(with_port(web, 65536, tcp, "high"), 0, tcp, "zero"), 80, 256, "protocol"));
  EXPECT_EQ(at("10.96.0.1", 80), "web:http");
  EXPECT_EQ(directory_.service_named("default", "web")->ports.size(), 1u);
  EXPECT_EQ(directory_.stats().invalid, 1u);
}

TEST_F(Services, KeepTheirNodePort) {
  auto web = with_port(service("web", {"10.96.0.1"}), 80, tcp, "http");
  web.mutable_ports(0)->set_node_port(30080);
  web.set_type("NodePort");
  apply(web);
  const Directory::ServiceMatch found = directory_.service(address("10.96.0.1"), 80, tcp);
  ASSERT_NE(found.port, nullptr);
  EXPECT_EQ(found.port->node_port, 30080);
  EXPECT_EQ(found.service->type, "NodePort");
}

}  // namespace
}  // namespace ofe::k8s::test
