#include "ovs-plugin/record/local_ports.h"

#include <gtest/gtest.h>

namespace ofe::record {
namespace {

TEST(LocalPorts, AntreasKeys) {
  LocalPort port;
  ASSERT_TRUE(local_port_from_external_ids("web-1-8f2c",
                                           {{"pod-name", "web-1"},
                                            {"pod-namespace", "shop"},
                                            {"ip-address", "10.10.0.1,fd00:10::1"},
                                            {"attached-mac", "0a:00:00:00:00:01"},
                                            {"container-id", "8f2c"}},
                                           port));
  EXPECT_EQ(port.pod_namespace + "/" + port.pod_name, "shop/web-1");
  EXPECT_EQ(port.container_id, "8f2c");
  ASSERT_EQ(port.addresses.size(), 2u);
  EXPECT_EQ(flowstore::to_string(port.addresses[1]), "fd00:10::1");
}

TEST(LocalPorts, AntreasKeysWithThePrefixOfLaterVersions) {
  LocalPort port;
  ASSERT_TRUE(local_port_from_external_ids("p", {{"k8s-pod-name", "a"}, {"k8s-pod-namespace", "b"}}, port));
  EXPECT_EQ(port.pod_name, "a");
  EXPECT_EQ(port.pod_namespace, "b");
}

TEST(LocalPorts, OvnKubernetesInterfaceId) {
  LocalPort port;
  ASSERT_TRUE(local_port_from_external_ids(
      "p", {{"iface-id", "kube-system_coredns-1"}, {"ip_addresses", "10.244.0.5/24"}}, port));
  EXPECT_EQ(port.pod_namespace, "kube-system");
  EXPECT_EQ(port.pod_name, "coredns-1");
  ASSERT_EQ(port.addresses.size(), 1u);
}

TEST(LocalPorts, APortWithoutAPodIsNone) {
  LocalPort port;
  EXPECT_FALSE(local_port_from_external_ids("antrea-gw0", {{"antrea-type", "gateway"}}, port));
  EXPECT_FALSE(local_port_from_external_ids("p", {{"iface-id", "4a99c8e0-8410"}}, port));
}

TEST(LocalPorts, NonsenseInAddressesIsPassedOver) {
  LocalPort port;
  ASSERT_TRUE(local_port_from_external_ids("p", {{"pod-name", "a"}, {"ip-address", "x, 10.0.0.300 ,,10.0.0.3"}}, port));
  ASSERT_EQ(port.addresses.size(), 1u);
}

TEST(LocalPorts, FoundByAddressUntilReplaced) {
  LocalPorts ports;
  const auto address = *flowstore::parse_address("10.10.0.1");
  ports.replace({{"v1", "shop", "web-1", "", "", {address}}});
  ASSERT_NE(ports.find(address), nullptr);
  EXPECT_EQ(ports.find(address)->pod_name, "web-1");
  ports.replace({});
  EXPECT_EQ(ports.find(address), nullptr);
}

}  // namespace
}  // namespace ofe::record
