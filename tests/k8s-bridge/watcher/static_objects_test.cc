#include "k8s-bridge/watcher/static_objects.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ofe::watcher {
namespace {

namespace v1 = metadata::v1;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

StaticObjects parsed(const std::string& yaml) {
  StaticObjects result;
  std::string error;
  EXPECT_TRUE(parse_static_objects(yaml, result, error)) << error;
  return result;
}

std::vector<std::string> keys(const StaticObjects& result) {
  std::vector<std::string> keys;
  for (const Object& object : result.objects) keys.push_back(key_of(object));
  return keys;
}

TEST(StaticObjects, DocumentsAndLists) {
  const StaticObjects result = parsed(R"(
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Node, metadata: {name: node-a}}
- {apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {nodeName: node-a}}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: c}}
---
apiVersion: v1
kind: PodList
items:
- metadata: {name: b, uid: "77"}
---
{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {clusterIP: 10.96.0.1, ports: [{port: 80}]}}
)");
  EXPECT_THAT(keys(result), ElementsAre("node-a", "default/a", "77", "default/web"));
  EXPECT_EQ(result.ignored, 1u);
  EXPECT_TRUE(result.skipped.empty());
  EXPECT_EQ(std::get<v1::Service>(result.objects[3]).ports(0).port(), 80u);
}

TEST(StaticObjects, NamesThatLookLikeNumbersStayNames) {
  const StaticObjects result = parsed("{kind: Pod, metadata: {name: 123, namespace: 0x1}, spec: {nodeName: 42}}");
  ASSERT_EQ(result.objects.size(), 1u);
  const auto& pod = std::get<v1::Pod>(result.objects[0]);
  EXPECT_EQ(pod.name(), "123");
  EXPECT_EQ(pod.namespace_(), "0x1");
  EXPECT_EQ(pod.node_name(), "42");
}

TEST(StaticObjects, OtherThingsOfTheSameName) {
  const StaticObjects result = parsed(
      "{apiVersion: serving.knative.dev/v1, kind: Service, metadata: {name: s}}\n---\n{kind: DeploymentList, items: "
      "[{}]}");
  EXPECT_TRUE(result.objects.empty());
  EXPECT_EQ(result.ignored, 2u);
}

TEST(StaticObjects, WhatCannotBeUsedIsNamed) {
  const StaticObjects result = parsed(R"(
kind: List
items:
- {kind: Pod, metadata: {name: good}}
- {kind: Pod, metadata: {name: bad}, status: {podIP: nowhere}}
- {metadata: {name: what}}
- 17
---
{kind: Service, metadata: {name: web}, spec: {ports: [{port: "80"}]}}
---
{kind: PodList, items: none}
---
{kind: PodList, items: ~}
)");
  EXPECT_THAT(keys(result), ElementsAre("default/good"));
  EXPECT_THAT(result.skipped,
              ElementsAre("document 1, item 2: Pod default/bad: status.podIP is not an IP address",
                          "document 1, item 3 has no kind", "document 1, item 4 is not a JSON object",
                          "document 2: Service default/web: spec.ports[0].port is not an integer",
                          "document 3 (PodList) has no list of items", "document 4 (PodList) has no list of items"));
}

TEST(StaticObjects, TextsThatAreNotObjects) {
  StaticObjects result;
  std::string error;
  EXPECT_FALSE(parse_static_objects("just words", result, error));
  EXPECT_EQ(error, "document 1 is not a Kubernetes object");
  EXPECT_FALSE(parse_static_objects("kind: [", result, error));
  EXPECT_THAT(error, HasSubstr("line "));
  EXPECT_TRUE(parse_static_objects("", result, error)) << "an empty file says that there is nothing";
}

}  // namespace
}  // namespace ofe::watcher
