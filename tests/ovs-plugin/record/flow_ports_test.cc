#include "ovs-plugin/record/flow_ports.h"

#include <gtest/gtest.h>

#include "tests/k8s-bridge/directory/metadata_messages.h"

namespace ofe::record {
namespace {

using k8s::test::node;
using k8s::test::pod;
using k8s::test::update_of;
using k8s::test::with_cidr;

Port make(const char* interface, const char* type, std::vector<ExternalId> ids = {}) {
  return port_from_interface("br-int", interface, type, ids, false);
}

struct FlowPortsTest : testing::Test {
  FlowPortsTest() {
    options.node_name = "node-a";
    ports.replace(all);
  }
  std::string between(const char* source, const char* endpoint) const {
    flowstore::Flow flow{};
    flow.start_wall_ms = 1'700'000'000'000;
    flow.original.source = *flowstore::parse_address(source);
    flow.reply.source = *flowstore::parse_address(endpoint);
    const FlowPorts found = ports_of(flow, "br-int", ports, directory, options);
    const auto name = [](const Port* port) { return port == nullptr ? std::string("-") : port->interface; };
    return name(found.ingress) + " " + name(found.egress);
  }
  void learn() {
    directory.apply(update_of(with_cidr(node("node-a", {"192.0.2.1"}), "10.10.1.0", 24),
                              with_cidr(node("node-b", {"192.0.2.2"}), "10.10.2.0", 24)),
                    1'000);
  }

  std::vector<Port> all{make("antrea-gw0", "internal"), make("antrea-tun0", "vxlan"),
                        make("v1", "", {{"pod-name", "web"}, {"pod-namespace", "shop"}, {"ip-address", "10.10.1.5"}}),
                        make("v2", "", {{"pod-name", "db"}, {"pod-namespace", "shop"}, {"ip-address", "10.10.1.6"}})};
  Ports ports;
  k8s::Directory directory;
  NamingOptions options;
};

TEST_F(FlowPortsTest, BetweenLocalPods) {
  EXPECT_EQ(between("10.10.1.5", "10.10.1.6"), "v1 v2");
}

TEST_F(FlowPortsTest, OtherNodesPodsAreBehindTheTunnel) {
  learn();
  EXPECT_EQ(between("10.10.1.5", "10.10.2.7"), "v1 antrea-tun0");
  EXPECT_EQ(between("10.10.2.7", "10.10.1.6"), "antrea-tun0 v2");
}

TEST_F(FlowPortsTest, NodesAndTheWorldAreBehindTheGateway) {
  learn();
  EXPECT_EQ(between("192.0.2.1", "10.10.1.6"), "antrea-gw0 v2");
  EXPECT_EQ(between("10.10.1.5", "192.0.2.2"), "v1 antrea-gw0");
  EXPECT_EQ(between("10.10.1.5", "198.51.100.1"), "v1 antrea-gw0");
  EXPECT_EQ(between("10.10.1.1", "10.10.1.6"), "antrea-gw0 v2") << "the gateway's own address";
}

TEST_F(FlowPortsTest, WithoutTheDirectoryByTheRangesOfTheSettings) {
  options.pod_cidrs = {*flowstore::parse_prefix("10.10.0.0/16")};
  EXPECT_EQ(between("10.10.1.5", "10.10.2.7"), "v1 antrea-tun0");
}

TEST_F(FlowPortsTest, ABridgeWithoutTunnelOrGateway) {
  learn();
  all.erase(all.begin() + 1);
  ports.replace(all);
  EXPECT_EQ(between("10.10.1.5", "10.10.2.7"), "v1 antrea-gw0") << "routed by the Node";
  all.erase(all.begin());
  ports.replace(all);
  EXPECT_EQ(between("10.10.1.5", "10.10.2.7"), "v1 -");
}

// A Pod's port whose external_ids name the Pod, not its address.
TEST_F(FlowPortsTest, ByNameWhereTheAddressIsTheDirectorys) {
  all.push_back(make("v3", "", {{"iface-id", "default_cart"}}));
  ports.replace(all);
  learn();
  metadata::v1::Pod cart = pod("cart", {"10.10.1.9"}, 1'000);
  cart.set_node_name("node-a");
  directory.apply(update_of(cart), 1'000);
  EXPECT_EQ(between("10.10.1.9", "10.10.1.6"), "v3 v2");
}

}  // namespace
}  // namespace ofe::record
