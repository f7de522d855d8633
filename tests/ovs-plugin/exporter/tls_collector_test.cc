#include "ovs-plugin/exporter/tls_collector.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace ofe {
namespace {

std::string expected_name(const std::string& address, const config::Tls& tls = {}) {
  std::string error;
  return make_tls_context(tls, *config::parse_collector(address, error))->options().server_name;
}

TEST(TlsCollector, IsExpectedToBeWhoTheAddressSays) {
  EXPECT_EQ(expected_name("collector.example:4739:tls"), "collector.example");
  EXPECT_EQ(expected_name("collector.example.:4739:tls"), "collector.example");
  EXPECT_EQ(expected_name("192.0.2.1:4739:tls"), "192.0.2.1");
  EXPECT_EQ(expected_name("[fe80::1%eth0]:4739:tls"), "fe80::1");
  EXPECT_EQ(expected_name("flow-aggregator/aggregator:tls"), "aggregator.flow-aggregator.svc");
  EXPECT_EQ(expected_name("192.0.2.1:4739:tls", {"", "", "", "collector.example"}), "collector.example");
}

TEST(TlsCollector, ShowsTheStateOfItsFiles) {
  const auto context = make_tls_context({"/nonexistent/ca.crt", "", "", "collector.example"}, config::Collector{});
  EXPECT_FALSE(context->refresh());
  const auto json = tls_json(*context);
  EXPECT_EQ(json["expectedName"], "collector.example");
  EXPECT_EQ(json["ownCertificateExpires"], "no certificate");
  EXPECT_EQ(json["fileLoadFailures"], 1);
  EXPECT_EQ(json["fileProblem"], "CA file /nonexistent/ca.crt: No such file or directory");
}

TEST(TlsCollector, EverySettingCounts) {
  const config::Tls all{"/a", "/b", "/c", "d"};
  EXPECT_NE(to_string(all), to_string(config::Tls{"/a", "/b", "/c", ""}));
  EXPECT_NE(to_string(all), to_string(config::Tls{"/a/b", "", "/c", "d"}));
  EXPECT_EQ(to_string(all), to_string(config::Tls{"/a", "/b", "/c", "d"}));
}

}  // namespace
}  // namespace ofe
