#include "ovs-plugin/exporter/entry_counts.h"

#include <gtest/gtest.h>

namespace ofe {
namespace {

TEST(EntryCounts, Connections) {
  EXPECT_EQ(connections_in("100000\n"), 100'000u);
  EXPECT_EQ(connections_in("0\n"), 0u);
  EXPECT_EQ(connections_in(""), std::nullopt);
  EXPECT_EQ(connections_in("nconns could not be retrieved"), std::nullopt);
  EXPECT_EQ(connections_in("99999999999999999999999\n"), std::nullopt);
}

TEST(EntryCounts, ConnectionsOfAZone) {
  EXPECT_EQ(zone_connections_in("Connections Stats:\n    Total: 100000\n  UDP: 99999\n  TCP: 1\n"), 100'000u);
  EXPECT_EQ(zone_connections_in("Connections Stats:\n    Total: 0\n"), 0u);
  EXPECT_EQ(zone_connections_in("Connections Stats:\n"), std::nullopt);
  EXPECT_EQ(zone_connections_in("Total: many"), std::nullopt);
}

TEST(EntryCounts, MegaflowsOfTheNamedDatapath) {
  const std::string_view answer =
      "system@ovs-system:\n  flows         : (current 7) (avg 7) (max 9) (limit 200000)\n"
      "  dump duration : 1ms\n  ufid enabled : true\n\n  5: (keys 7)\n"
      "netdev@ovs-netdev:\n  flows         : (current 16) (avg 15) (max 16) (limit 16000)\n"
      "  offloaded flows : 0\n  dump duration : 1ms\n  ufid enabled : true\n\n  5: (keys 16)\n";
  EXPECT_EQ(megaflows_in(answer, "netdev@ovs-netdev"), 16u);
  EXPECT_EQ(megaflows_in(answer, "system@ovs-system"), 7u);
  EXPECT_EQ(megaflows_in(answer, "netdev@ovs"), std::nullopt);
  EXPECT_EQ(megaflows_in("netdev@ovs-netdev:\n  flows : many\n\n(current 3)", "netdev@ovs-netdev"), std::nullopt);
  EXPECT_EQ(megaflows_in("netdev@ovs-netdev:", "netdev@ovs-netdev"), std::nullopt);
  EXPECT_EQ(megaflows_in("", "netdev@ovs-netdev"), std::nullopt);
}

}  // namespace
}  // namespace ofe
