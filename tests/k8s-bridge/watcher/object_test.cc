#include "k8s-bridge/watcher/object.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace ofe::watcher {
namespace {

namespace v1 = metadata::v1;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::string ten_one_zero_five("\x0a\x01\x00\x05", 4);
const std::string fd00_five("\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x05", 16);

class ObjectTest : public ::testing::Test {
 protected:
  template <typename Message>
  Message converted(Kind kind, const std::string& json) {
    const auto object = object_from_json(kind, parse(json), problem_);
    EXPECT_TRUE(object) << problem_;
    return object ? std::get<Message>(*object) : Message();
  }
  std::string problem_of(Kind kind, const std::string& json) {
    EXPECT_FALSE(object_from_json(kind, parse(json), problem_)) << json;
    return problem_;
  }
  simdjson::dom::element parse(const std::string& json) {
    simdjson::dom::element element;
    EXPECT_EQ(parser_.parse(json).get(element), simdjson::SUCCESS) << json;
    return element;
  }

  simdjson::dom::parser parser_;
  std::string problem_;
};

TEST_F(ObjectTest, PodWithBothFamilies) {
  const auto pod = converted<v1::Pod>(Kind::pod, R"({
      "metadata": {"namespace": "shop", "name": "web-1", "uid": "9f3a", "creationTimestamp": "2024-03-01T12:00:00Z",
                   "labels": {"app": "web"}},
      "spec": {"nodeName": "node-a", "hostNetwork": false, "containers": [{"name": "web"}]},
      "status": {"phase": "Running", "podIP": "10.1.0.5", "podIPs": [{"ip": "10.1.0.5"}, {"ip": "fd00::5"}],
                 "startTime": "2024-03-01T12:00:02Z"}})");
  EXPECT_EQ(pod.namespace_(), "shop");
  EXPECT_EQ(pod.name(), "web-1");
  EXPECT_EQ(pod.uid(), "9f3a");
  EXPECT_EQ(pod.node_name(), "node-a");
  EXPECT_THAT(pod.ips(), ElementsAre(ten_one_zero_five, fd00_five));
  EXPECT_FALSE(pod.host_network());
  EXPECT_EQ(pod.phase(), v1::Pod::RUNNING);
  EXPECT_EQ(pod.start_wall_ms(), 1709294402000);  // date -d 2024-03-01T12:00:02Z +%s
  EXPECT_EQ(pod.deleted_wall_ms(), 0);
}

TEST_F(ObjectTest, PodOfWhichLittleIsKnown) {
  const auto pod = converted<v1::Pod>(Kind::pod, R"({"metadata": {"name": "new", "creationTimestamp": null}})");
  EXPECT_EQ(pod.namespace_(), "default");
  EXPECT_EQ(pod.uid(), "default/new");
  EXPECT_EQ(pod.node_name(), "");
  EXPECT_THAT(pod.ips(), IsEmpty());
  EXPECT_EQ(pod.phase(), v1::Pod::PHASE_UNKNOWN);
  EXPECT_EQ(pod.start_wall_ms(), 0);
}

TEST_F(ObjectTest, PodThatEndedKeepsItsPhaseAndStart) {
  const auto pod = converted<v1::Pod>(Kind::pod, R"({
      "metadata": {"namespace": "jobs", "name": "job", "uid": "1", "creationTimestamp": "2024-03-01T12:00:00Z",
                   "deletionTimestamp": "2024-03-01T13:00:00+01:00"},
      "spec": {"nodeName": "node-a", "hostNetwork": true}, "status": {"phase": "Succeeded", "podIP": "10.1.0.5"}})");
  EXPECT_EQ(pod.phase(), v1::Pod::SUCCEEDED);
  EXPECT_TRUE(pod.host_network());
  EXPECT_THAT(pod.ips(), ElementsAre(ten_one_zero_five));
  EXPECT_EQ(pod.start_wall_ms(), 1709294400000) << "the creation, as there is no start";
  EXPECT_EQ(pod.deleted_wall_ms(), 1709294400000);
}

TEST_F(ObjectTest, PhasesByName) {
  for (const auto& [text, phase] :
       {std::pair{"Pending", v1::Pod::PENDING}, std::pair{"Failed", v1::Pod::FAILED},
        std::pair{"Unknown", v1::Pod::PHASE_UNKNOWN}, std::pair{"Paused", v1::Pod::PHASE_UNKNOWN}}) {
    const auto pod = converted<v1::Pod>(
        Kind::pod, std::string(R"({"metadata": {"name": "p"}, "status": {"phase": ")") + text + "\"}}");
    EXPECT_EQ(pod.phase(), phase) << text;
  }
}

TEST_F(ObjectTest, ServiceWithEverything) {
  const auto service = converted<v1::Service>(Kind::service, R"({
      "metadata": {"namespace": "shop", "name": "web", "uid": "2"},
      "spec": {"type": "LoadBalancer", "clusterIP": "10.1.0.5", "clusterIPs": ["10.1.0.5", "fd00::5"],
               "externalIPs": ["10.1.0.5"],
               "ports": [{"name": "http", "port": 80, "targetPort": "http", "nodePort": 30080},
                         {"name": "dns", "port": 53, "protocol": "UDP"}, {"port": 9899, "protocol": "SCTP"}]},
      "status": {"loadBalancer": {"ingress": [{"hostname": "lb.example"}, {"ip": "fd00::5"}]}}})");
  EXPECT_EQ(service.type(), "LoadBalancer");
  EXPECT_THAT(service.cluster_ips(), ElementsAre(ten_one_zero_five, fd00_five));
  EXPECT_THAT(service.external_ips(), ElementsAre(ten_one_zero_five, fd00_five));
  ASSERT_EQ(service.ports_size(), 3);
  EXPECT_EQ(service.ports(0).name(), "http");
  EXPECT_EQ(service.ports(0).port(), 80u);
  EXPECT_EQ(service.ports(0).protocol(), 6u);
  EXPECT_EQ(service.ports(0).node_port(), 30080u);
  EXPECT_EQ(service.ports(1).protocol(), 17u);
  EXPECT_EQ(service.ports(2).protocol(), 132u);
  EXPECT_EQ(service.ports(2).name(), "");
}

TEST_F(ObjectTest, HeadlessAndExternalNameServicesHaveNoAddress) {
  for (const char* spec : {R"({"clusterIP": "None"})", R"({"clusterIPs": ["None"]})",
                           R"({"clusterIP": "None", "clusterIPs": ["None"]})"}) {
    const auto service =
        converted<v1::Service>(Kind::service, std::string(R"({"metadata": {"name": "s"}, "spec": )") + spec + "}");
    EXPECT_THAT(service.cluster_ips(), IsEmpty()) << spec;
    EXPECT_EQ(service.type(), "ClusterIP");
  }
  const auto service = converted<v1::Service>(
      Kind::service, R"({"metadata": {"name": "s"}, "spec": {"type": "ExternalName", "externalName": "x.example"}})");
  EXPECT_EQ(service.type(), "ExternalName");
  EXPECT_THAT(service.cluster_ips(), IsEmpty());
}

TEST_F(ObjectTest, NodeAddressesAndRanges) {
  const auto node = converted<v1::Node>(Kind::node, R"({
      "metadata": {"name": "node-a", "uid": "3"},
      "spec": {"podCIDR": "10.1.0.0/24", "podCIDRs": ["10.1.0.0/24", "fd00::/64"]},
      "status": {"addresses": [{"type": "InternalIP", "address": "10.1.0.5"}, {"type": "Hostname", "address": "node-a"},
                               {"type": "ExternalIP", "address": "fd00::5"}]}})");
  EXPECT_EQ(node.name(), "node-a");
  EXPECT_THAT(node.addresses(), ElementsAre(ten_one_zero_five, fd00_five));
  ASSERT_EQ(node.pod_cidrs_size(), 2);
  EXPECT_EQ(node.pod_cidrs(0).address(), std::string("\x0a\x01\x00\x00", 4));
  EXPECT_EQ(node.pod_cidrs(0).prefix_length(), 24u);
  EXPECT_EQ(node.pod_cidrs(1).address().size(), 16u);
  EXPECT_EQ(node.pod_cidrs(1).prefix_length(), 64u);
}

TEST_F(ObjectTest, NodeWithTheOlderFieldAlone) {
  const auto node =
      converted<v1::Node>(Kind::node, R"({"metadata": {"name": "n"}, "spec": {"podCIDR": "10.1.0.0/24"}})");
  ASSERT_EQ(node.pod_cidrs_size(), 1);
  EXPECT_EQ(node.pod_cidrs(0).prefix_length(), 24u);
}

TEST_F(ObjectTest, WrongTypesNameObjectAndField) {
  EXPECT_EQ(problem_of(Kind::pod, R"({"metadata": {"name": "p"}, "spec": {"nodeName": 7}})"),
            "Pod default/p: spec.nodeName is not a string");
  EXPECT_EQ(problem_of(Kind::pod, R"({"metadata": {"name": "p"}, "spec": {"hostNetwork": "yes"}})"),
            "Pod default/p: spec.hostNetwork is not a boolean");
  EXPECT_EQ(
      problem_of(Kind::pod, R"({"metadata": {"name": "p"}, "status": {"podIPs": [{"ip": "10.1.0.5"}, {"ip": "x"}]}})"),
      "Pod default/p: status.podIPs[1].ip is not an IP address");
  EXPECT_EQ(problem_of(Kind::pod, R"({"metadata": {"name": "p"}, "status": {"podIPs": "10.1.0.5"}})"),
            "Pod default/p: status.podIPs is not a list");
  EXPECT_EQ(problem_of(Kind::pod, R"({"metadata": {"name": "p"}, "status": {"startTime": "noon"}})"),
            "Pod default/p: status.startTime is not an RFC 3339 time");
  EXPECT_EQ(problem_of(Kind::pod, R"({"metadata": {"name": "p"}, "spec": []})"),
            "Pod default/p: spec is not an object");
  EXPECT_EQ(problem_of(Kind::pod, R"({"metadata": {"namespace": "x"}})"),
            "Pod without a name: metadata.name is missing");
  EXPECT_EQ(problem_of(Kind::pod, R"(["a"])"), "Pod without a name: is not a JSON object");
  EXPECT_EQ(problem_of(Kind::node, R"({"metadata": {"name": "n"}, "spec": {"podCIDRs": ["10.1.0.0/33"]}})"),
            "Node n: spec.podCIDRs[0] is not an address range");
  EXPECT_EQ(problem_of(Kind::node, R"({"metadata": {"name": "n"}, "spec": {"podCIDR": "10.1.0.0/"}})"),
            "Node n: spec.podCIDR is not an address range");
}

TEST_F(ObjectTest, ServicePortsOutOfRange) {
  const std::string head = R"({"metadata": {"name": "s"}, "spec": {"ports": [)";
  EXPECT_EQ(problem_of(Kind::service, head + R"({"port": "80"}]}})"),
            "Service default/s: spec.ports[0].port is not an integer");
  EXPECT_EQ(problem_of(Kind::service, head + R"({"port": 65536}]}})"),
            "Service default/s: spec.ports[0].port is not within 0 and 65535");
  EXPECT_EQ(problem_of(Kind::service, head + R"({"port": 80}, {"port": -1}]}})"),
            "Service default/s: spec.ports[1].port is not within 0 and 65535");
  EXPECT_EQ(problem_of(Kind::service, head + R"({"port": 80.5}]}})"),
            "Service default/s: spec.ports[0].port is not an integer");
  EXPECT_EQ(problem_of(Kind::service, head + R"({"name": "x"}]}})"),
            "Service default/s: spec.ports[0].port is missing");
  EXPECT_EQ(problem_of(Kind::service, head + R"({"port": 1, "protocol": "ICMP"}]}})"),
            "Service default/s: spec.ports[0].protocol is none of TCP, UDP and SCTP");
}

TEST_F(ObjectTest, KeysAreWhatRemovalsName) {
  const std::string json = R"({"metadata": {"namespace": "shop", "name": "x", "uid": "u-1"}, "spec": {"nodeName": 5}})";
  EXPECT_EQ(key_from_json(Kind::pod, parse(json), problem_), "u-1") << "a removal needs no other field";
  EXPECT_EQ(key_from_json(Kind::service, parse(json), problem_), "shop/x");
  EXPECT_EQ(key_from_json(Kind::node, parse(json), problem_), "x");
  EXPECT_EQ(key_from_json(Kind::node, parse(R"({"metadata": {"uid": "u"}})"), problem_), "");
  EXPECT_EQ(problem_, "Node without a name: metadata.name is missing");
}

}  // namespace
}  // namespace ofe::watcher
