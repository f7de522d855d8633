#include "ovs-plugin/record/ports.h"

#include <gtest/gtest.h>

#include <string>

namespace ofe::record {
namespace {

Port make(const std::string& interface, const std::string& type, std::int64_t ofport,
          const std::vector<ExternalId>& ids = {}, bool physical = false, const std::string& bridge = "br-int") {
  Port port = port_from_interface(bridge, interface, type, ids, physical);
  port.ofport = ofport;
  return port;
}

Port pod_port(const std::string& interface, std::int64_t ofport, const std::string& name, const std::string& address) {
  return make(interface, "", ofport, {{"pod-name", name}, {"pod-namespace", "shop"}, {"ip-address", address}});
}

TEST(PortTest, AntreasMarksTellTheKind) {
  EXPECT_EQ(make("gw", "internal", 2, {{"antrea-type", "gateway"}}).kind, PortKind::gateway);
  EXPECT_EQ(make("tun", "geneve", 1, {{"antrea-type", "tunnel"}}).kind, PortKind::tunnel);
  EXPECT_EQ(make("eth1", "", 3, {{"antrea-type", "uplink"}}).kind, PortKind::uplink);
  const Port pod = make("a-1", "", 4, {{"antrea-type", "container"}, {"pod-name", "web"}, {"pod-namespace", "shop"}});
  EXPECT_EQ(pod.kind, PortKind::pod);
  EXPECT_EQ(pod.pod.pod_name, "web");
  EXPECT_EQ(pod.pod.interface, "a-1");
}

TEST(PortTest, WithoutMarksTypeAndNameTell) {
  EXPECT_EQ(make("antrea-gw0", "internal", 2).kind, PortKind::gateway);
  EXPECT_EQ(make("ovn-k8s-mp0", "internal", 2).kind, PortKind::gateway);
  for (const char* type : {"vxlan", "geneve", "gre", "stt"}) EXPECT_EQ(make("t", type, 1).kind, PortKind::tunnel);
  EXPECT_EQ(make("eth0", "", 1, {}, true).kind, PortKind::uplink);
  EXPECT_EQ(make("dpdk0", "dpdk", 1).kind, PortKind::uplink);
  EXPECT_EQ(make("br-int", "internal", 65534).kind, PortKind::other);
  EXPECT_EQ(make("patch-1", "patch", 9).kind, PortKind::other);
  EXPECT_EQ(make("veth1", "", 9).kind, PortKind::other);
}

// A Pod that owns a physical function (SR-IOV, DPDK) is a Pod's port all the same.
TEST(PortTest, APodsPortIsNoUplink) {
  EXPECT_EQ(make("vf0", "dpdk", 5, {{"iface-id", "shop_web"}}, true).kind, PortKind::pod);
}

struct PortsTest : testing::Test {
  PortsTest() {
    ports.replace({make("antrea-gw0", "internal", 2), make("antrea-tun0", "vxlan", 1),
                   pod_port("v1", 3, "web", "10.0.0.1"), pod_port("v2", 4, "db", "10.0.0.2,fd00::2"),
                   make("eth1", "", 3, {}, true, "br-ext")});
    ports.set_datapath_ports({{"br-int", "antrea-gw0", 5},
                              {"br-int", "v1", 7},
                              {"br-int", "v2", 8},
                              {"br-int", "antrea-tun0", 6},
                              {"elsewhere", "v2", 9}});
  }
  Ports ports;
};

TEST_F(PortsTest, AreFoundByEveryName) {
  const Port* v1 = ports.by_interface("v1");
  ASSERT_NE(v1, nullptr);
  EXPECT_EQ(v1->pod.pod_name, "web");
  EXPECT_EQ(ports.by_ofport("br-int", 3), v1);
  EXPECT_EQ(ports.by_ofport("br-ext", 3)->interface, "eth1");
  EXPECT_EQ(ports.by_datapath_port(7), v1);
  EXPECT_EQ(ports.by_pod("shop", "web"), v1);
  EXPECT_EQ(ports.by_pod_address(*flowstore::parse_address("fd00::2"))->interface, "v2");
  EXPECT_EQ(ports.first(PortKind::gateway, "br-int")->interface, "antrea-gw0");
  EXPECT_EQ(ports.first(PortKind::gateway, "br-ext"), nullptr);
  EXPECT_EQ(ports.by_interface("v3"), nullptr);
  EXPECT_EQ(ports.by_datapath_port(9), nullptr) << "a bridge that OVSDB does not have";
}

TEST_F(PortsTest, ByTheNameTheDatapathPrints) {
  EXPECT_EQ(ports.by_datapath_name("v2")->interface, "v2");
  EXPECT_EQ(ports.by_datapath_name("vxlan_sys_4789")->interface, "antrea-tun0");
  EXPECT_EQ(ports.by_datapath_name("7")->interface, "v1");
  EXPECT_EQ(ports.by_datapath_name("genev_sys_6081"), nullptr);
  EXPECT_EQ(ports.by_datapath_name("7x"), nullptr);
  EXPECT_EQ(ports.by_datapath_name(""), nullptr);
}

TEST_F(PortsTest, DatapathPortsHoldUntilThePortIsMadeAnew) {
  ports.replace({pod_port("v1", 3, "web", "10.0.0.1"), pod_port("v2", 9, "new", "10.0.0.3")});
  EXPECT_EQ(ports.by_datapath_port(7)->interface, "v1");
  EXPECT_EQ(ports.by_datapath_port(8), nullptr) << "another OpenFlow port: another port";
  EXPECT_EQ(ports.by_datapath_port(5), nullptr) << "gone";
  EXPECT_EQ(ports.by_pod("shop", "db"), nullptr);
  EXPECT_EQ(ports.by_interface("antrea-gw0"), nullptr);
}

TEST(PortsChurnTest, AThousandPortsComeAndGo) {
  Ports ports;
  std::vector<Port> many;
  std::vector<Ports::DatapathPort> numbers;
  for (std::uint32_t i = 0; i < 1'000; ++i) {
    const std::string name = "p" + std::to_string(i);
    many.push_back(pod_port(name, i + 1, "pod" + std::to_string(i),
                            "10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1)));
    numbers.push_back({"br-int", name, i + 10});
  }
  ports.replace(many);
  ports.set_datapath_ports(numbers);
  EXPECT_EQ(ports.by_datapath_port(10 + 777)->pod.pod_name, "pod777");
  ports.replace({});
  EXPECT_EQ(ports.by_datapath_port(10 + 777), nullptr);
  EXPECT_EQ(ports.by_interface("p777"), nullptr);
}

}  // namespace
}  // namespace ofe::record
