#include "k8s-bridge/watcher/yaml_to_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ofe::watcher {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> converted(const std::string& yaml) {
  std::vector<std::string> documents;
  std::string error;
  EXPECT_TRUE(yaml_to_json(yaml, documents, error)) << error;
  return documents;
}

std::string error_of(const std::string& yaml) {
  std::vector<std::string> documents;
  std::string error;
  EXPECT_FALSE(yaml_to_json(yaml, documents, error)) << yaml;
  return error;
}

TEST(YamlToJson, OnlyPortsAndFlagsAreNotStrings) {
  EXPECT_THAT(converted("{name: 123, uid: 1e10, phase: true, port: 80, nodePort: 0, hostNetwork: True}"),
              ElementsAre(R"({"name":"123","uid":"1e10","phase":"true","port":80,"nodePort":0,"hostNetwork":true})"));
}

TEST(YamlToJson, QuotedIsAlwaysAString) {
  EXPECT_THAT(converted("{port: '80', nodePort: \"80\", hostNetwork: 'true', x: !!str 5}"),
              ElementsAre(R"({"port":"80","nodePort":"80","hostNetwork":"true","x":"5"})"));
}

TEST(YamlToJson, WhatIsNoDecimalIntegerStaysAString) {
  EXPECT_THAT(converted("[{port: 0x50}, {port: 080}, {port: -1}, {port: 80.0}, {port: http}]"),
              ElementsAre(R"([{"port":"0x50"},{"port":"080"},{"port":-1},{"port":"80.0"},{"port":"http"}])"));
}

TEST(YamlToJson, NullsListsAndNesting) {
  EXPECT_THAT(converted("a: ~\nb:\nc: null\nd: 'null'\ne:\n- x\n- [y, {z: w}]\n"),
              ElementsAre(R"({"a":null,"b":null,"c":null,"d":"null","e":["x",["y",{"z":"w"}]]})"));
}

TEST(YamlToJson, SeveralDocumentsWithoutEmptyOnes) {
  EXPECT_THAT(converted("---\na: b\n---\n---\n# nothing\n---\nc: d\n"), ElementsAre(R"({"a":"b"})", R"({"c":"d"})"));
  EXPECT_THAT(converted(""), IsEmpty());
}

TEST(YamlToJson, EscapesWhatJsonDoesNotTake) {
  EXPECT_THAT(converted("a: \"q\\\" b\\\\ n\\n t\\t \\u00e9\""),
              ElementsAre("{\"a\":\"q\\\" b\\\\ n\\u000a t\\u0009 é\"}"));
}

TEST(YamlToJson, JsonIsYaml) {
  EXPECT_THAT(converted(R"({"kind": "Service", "spec": {"ports": [{"port": 80}]}})"),
              ElementsAre(R"({"kind":"Service","spec":{"ports":[{"port":80}]}})"));
}

TEST(YamlToJson, ErrorsNameThePlace) {
  EXPECT_THAT(error_of("a: b\nc: [d\n"), HasSubstr("line "));
  EXPECT_THAT(error_of("a: b\n  c: d\n"), HasSubstr("line 2, column"));
  EXPECT_THAT(error_of("? [a, b]\n: c\n"), HasSubstr("a key is not a plain word"));
}

TEST(YamlToJson, AliasesAreBounded) {
  EXPECT_THAT(converted("a: &x {b: c}\nd: *x\n"), ElementsAre(R"({"a":{"b":"c"},"d":{"b":"c"}})"));
  EXPECT_THAT(error_of("a: &x [*x]\n"), HasSubstr("nested too deeply"));
  std::string bomb = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    std::string list = before;
    for (int repeat = 1; repeat < 10; ++repeat) list += ", " + before;
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + list + "]\n";
  }
  EXPECT_THAT(error_of(bomb), HasSubstr("too large once its aliases are filled in"));
}

}  // namespace
}  // namespace ofe::watcher
