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

TEST_F(Services, KeepTheirNodePortAndAreFoundByIt) {
  auto web = with_port(service("web", {"10.96.0.1"}), 80, tcp, "http");
  web.mutable_ports(0)->set_node_port(30080);
  web.set_type("NodePort");
  apply(web, with_port(service("internal", {"10.96.0.2"}), 80, tcp, "http"));
  const Directory::ServiceMatch found = directory_.service(address("10.96.0.1"), 80, tcp);
  ASSERT_NE(found.port, nullptr);
  EXPECT_EQ(found.port->node_port, 30080);
  EXPECT_EQ(found.service->type, "NodePort");
  EXPECT_EQ(directory_.service_by_node_port(30080, tcp).port, found.port);
  EXPECT_EQ(directory_.service_by_node_port(30080, udp).service, nullptr);
  EXPECT_EQ(directory_.service_by_node_port(80, tcp).service, nullptr);
  EXPECT_EQ(directory_.service_by_node_port(0, tcp).service, nullptr) << "most Services have none";
}

TEST_F(Services, LoseTheirNodePortWithTheService) {
  auto web = with_port(service("web", {"10.96.0.1"}), 80, tcp, "http");
  web.mutable_ports(0)->set_node_port(30080);
  apply(web);
  web.mutable_ports(0)->set_node_port(30081);
  apply(web);
  EXPECT_EQ(directory_.service_by_node_port(30080, tcp).service, nullptr);
  EXPECT_NE(directory_.service_by_node_port(30081, tcp).service, nullptr);
  apply(removal(Removal::SERVICE, "web"));
  EXPECT_EQ(directory_.service_by_node_port(30081, tcp).service, nullptr);
}

}  // namespace
}  // namespace ofe::k8s::test
