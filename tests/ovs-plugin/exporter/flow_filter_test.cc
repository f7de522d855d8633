#include "ovs-plugin/exporter/flow_filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ofe {
namespace {

using testing::HasSubstr;

flowstore::Flow service_flow() {
  flowstore::Flow flow;
  flow.original = {*flowstore::parse_address("10.10.0.1"), *flowstore::parse_address("10.96.0.10"), 40000, 80, 6};
  flow.reply = {*flowstore::parse_address("10.10.0.2"), *flowstore::parse_address("10.10.0.1"), 5201, 40000, 6};
  flow.zone = 65520;
  return flow;
}
const record::Names names{"web-1", "shop", "node-a", "db-1", "store", "node-b", "store/db:pg"};

bool matches(std::initializer_list<const char*> arguments) {
  FlowFilter filter;
  std::string error;
  for (const char* argument : arguments) EXPECT_TRUE(add_filter(argument, filter, error)) << error;
  return filter.matches(service_flow(), names);
}

TEST(FlowFilter, NothingAskedIsEverything) {
  EXPECT_TRUE(matches({}));
}

TEST(FlowFilter, DestinationIsTheServiceOrTheEndpoint) {
  EXPECT_TRUE(matches({"dst=10.96.0.10"}));
  EXPECT_TRUE(matches({"dst=10.10.0.2"}));
  EXPECT_FALSE(matches({"dst=10.10.0.1"}));
  EXPECT_TRUE(matches({"dport=80"}));
  EXPECT_TRUE(matches({"dport=5201"}));
  EXPECT_FALSE(matches({"dport=40000"}));
}

TEST(FlowFilter, SourceAndPrefixes) {
  EXPECT_TRUE(matches({"src=10.10.0.0/24"}));
  EXPECT_FALSE(matches({"src=10.96.0.0/16"}));
  EXPECT_TRUE(matches({"ip=10.96.0.0/16"}));
  EXPECT_FALSE(matches({"ip=fd00::/8"}));
}

TEST(FlowFilter, NamesWithAndWithoutNamespace) {
  for (const char* good :
       {"pod=web-1", "pod=shop/web-1", "pod=db-1", "service=db", "service=store/db", "service=store/db:pg"}) {
    EXPECT_TRUE(matches({good})) << good;
  }
  for (const char* other : {"pod=web", "pod=store/web-1", "service=shop/db", "service=pg"}) {
    EXPECT_FALSE(matches({other})) << other;
  }
}

TEST(FlowFilter, AllOfThemMustMatch) {
  EXPECT_TRUE(matches({"proto=tcp", "zone=65520", "state=live"}));
  EXPECT_FALSE(matches({"proto=tcp", "zone=65510"}));
  EXPECT_FALSE(matches({"proto=17"}));
  EXPECT_FALSE(matches({"state=ended"}));
}

TEST(FlowFilter, WrongArgumentsSayWhatIsAllowed) {
  struct Wrong {
    const char* argument;
    const char* allowed;
  };
  for (const Wrong wrong : {Wrong{"proto=ipx", "tcp, udp"}, Wrong{"src=10.0.0", "prefix"}, Wrong{"port=70000", "65535"},
                            Wrong{"limit=0", "100000"}, Wrong{"state=dead", "live or ended"}, Wrong{"pod=", "NAME"},
                            Wrong{"colour=red", "usage"}, Wrong{"", "usage"}}) {
    FlowFilter filter;
    std::string error;
    EXPECT_FALSE(add_filter(wrong.argument, filter, error)) << wrong.argument;
    EXPECT_THAT(error, HasSubstr(wrong.allowed)) << wrong.argument;
  }
}

}  // namespace
}  // namespace ofe
