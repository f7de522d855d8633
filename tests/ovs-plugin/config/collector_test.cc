#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ovs-plugin/config/config.h"

namespace ofe::config {
namespace {

using ::testing::HasSubstr;

struct Accepted {
  const char* text;
  const char* in_full;  // with everything that was left out
};

TEST(Collector, TakesEveryWayToNameOne) {
  for (const Accepted& c : {
           Accepted{"192.168.86.86:4739:tcp", "192.168.86.86:4739:tcp"},
           {"192.168.86.86:4739", "192.168.86.86:4739:tcp"},
           {"192.168.86.86", "192.168.86.86:4739:tcp"},
           {"10.0.0.1:1:udp", "10.0.0.1:1:udp"},
           {"10.0.0.1:65535:tls", "10.0.0.1:65535:tls"},
           {"10.0.0.1::udp", "10.0.0.1:4739:udp"},
           {"10.0.0.1:4740:UDP", "10.0.0.1:4740:udp"},
           {"[fd00::1]:4739:udp", "[fd00::1]:4739:udp"},
           {"[::1]", "[::1]:4739:tcp"},
           {"[::1]:80", "[::1]:80:tcp"},
           {"[fe80::1%eth0]:4739", "[fe80::1%eth0]:4739:tcp"},
           {"collector.example.com:9995:udp", "collector.example.com:9995:udp"},
           {"flow_collector", "flow_collector:4739:tcp"},
           {"flow-aggregator/flow-aggregator", "flow-aggregator/flow-aggregator:4739:tcp"},
           {"flow-aggregator/flow-aggregator:9999", "flow-aggregator/flow-aggregator:9999:tcp"},
           {"flow-aggregator/flow-aggregator:udp", "flow-aggregator/flow-aggregator:4739:udp"},
           {"flow-aggregator/flow-aggregator::tls", "flow-aggregator/flow-aggregator:4739:tls"},
           {"ns/svc:9999:udp", "ns/svc:9999:udp"},
       }) {
    std::string error = "untouched";
    const auto collector = parse_collector(c.text, error);
    ASSERT_TRUE(collector.has_value()) << c.text << ": " << error;
    EXPECT_EQ(error, "");
    EXPECT_EQ(to_string(*collector), c.in_full);
    EXPECT_EQ(parse_collector(to_string(*collector), error), collector) << c.text;
  }
}

TEST(Collector, TellsAServiceFromAHost) {
  std::string error;
  const auto service = parse_collector("flow-aggregator/collector:80:udp", error);
  ASSERT_TRUE(service.has_value());
  EXPECT_EQ(service->host, "");
  EXPECT_EQ(service->service_namespace, "flow-aggregator");
  EXPECT_EQ(service->service_name, "collector");
  const auto host = parse_collector("[fd00::1]:80", error);
  ASSERT_TRUE(host.has_value());
  EXPECT_EQ(host->host, "fd00::1");
  EXPECT_EQ(host->service_name, "");
}

struct Refused {
  const char* text;
  const char* why;
};

TEST(Collector, SaysWhatIsWrong) {
  for (const Refused& c : {
           Refused{"", "host is missing"},
           {":4739", "host is missing"},
           {"1.2.3.4:80:sctp", "protocol \"sctp\""},
           {"1.2.3.4:str:tcp", "port \"str\" is not a number"},
           {"1.2.3.4:udp", "port \"udp\" is not a number"},
           {"1.2.3.4:", "port \"\" is not a number"},
           {"1.2.3.4:80:", "protocol \"\""},
           {"1.2.3.4:0", "port 0 is not within"},
           {"1.2.3.4:65536", "port 65536 is not within"},
           {"1.2.3.4:99999999999999", "port 99999999999999 is not within"},
           {"1.2.3.4:-1", "port \"-1\""},
           {"1.2.3.4:0x50", "port \"0x50\""},
           {"1.2.3.4: 80", "port \" 80\""},
           {"1.2.3.4:80:tcp:x", "too many colons"},
           {":abbbsctp::", "too many colons"},
           {"1.2.3.400:80", "neither an IP address nor a host name"},
           {"1.2.3:80", "neither an IP address nor a host name"},
           {"exa mple:80", "neither an IP address nor a host name"},
           {"-example:80", "neither an IP address nor a host name"},
           {"a..b:80", "neither an IP address nor a host name"},
           {"fe80::1:4739", "stands in brackets"},
           {"fd00:0:0:0:0:0:0:0:1:4739", "stands in brackets"},
           {"[fe80::1", "bracket is not closed"},
           {"[fe80::1]4739", "follows the bracket"},
           {"[1.2.3.4]:80", "not an IPv6 address"},
           {"[]:80", "not an IPv6 address"},
           {"[fe80::1%]:80", "not an IPv6 address"},
           {"ns/svc:str:tcp", "port \"str\" is not a number"},
           {"ns/svc:78900:tcp", "port 78900 is not within"},
           {"ns/:80", "of a Service"},
           {"/svc:80", "of a Service"},
           {"a/b/c:80", "of a Service"},
           {"Ns/svc", "of a Service"},
       }) {
    std::string error;
    EXPECT_EQ(parse_collector(c.text, error), std::nullopt) << c.text;
    EXPECT_THAT(error, HasSubstr(c.why)) << c.text;
  }
  std::string error;
  EXPECT_EQ(parse_collector(std::string(64, 'a') + ":80", error), std::nullopt);
}

}  // namespace
}  // namespace ofe::config
