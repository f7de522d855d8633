#include "ovs-plugin/exporter/state.h"

#include <gtest/gtest.h>

#include "flowstore/address.h"
#include "ovs-plugin/exporter/observation_batch.h"

namespace ofe {
namespace {

constexpr flowstore::Now start{1'000, 1'700'000'000'000};

flowstore::Observation udp(std::uint16_t source_port) {
  flowstore::Observation seen;
  seen.zone = 65520;
  seen.original = {*flowstore::parse_address("10.0.0.1"), *flowstore::parse_address("10.0.0.2"), source_port, 53, 17};
  seen.reply = {seen.original.destination, seen.original.source, 53, source_port, 17};
  return seen;
}

void observe(State& state, const flowstore::Observation& seen, flowstore::Now now) {
  ObservationBatch batch;
  batch.add(seen);
  batch.flush(state, now);
}

record::LocalPort port_of(const char* pod, const char* address) {
  return {"v", "shop", pod, "", "", {*flowstore::parse_address(address)}};
}

TEST(State, ANewFlowIsNamedAtFirstSight) {
  State state({}, "node-a", start);
  state.ports.replace({port_of("web-1", "10.0.0.1")});
  auto seen = udp(4000);
  observe(state, seen, start);
  const flowstore::Flow* flow = state.store.find(seen.original, seen.reply);
  ASSERT_NE(flow, nullptr);
  EXPECT_EQ(state.names.get(flow->names).source_pod, "web-1");
  EXPECT_EQ(state.names.get(flow->names).source_node, "node-a");
}

TEST(State, NamesArePinnedAndEmptyOnesFilledLater) {
  State state({}, "node-a", start);
  state.ports.replace({port_of("web-1", "10.0.0.1")});
  auto seen = udp(4000);
  observe(state, seen, start);
  flowstore::Flow flow = *state.store.find(seen.original, seen.reply);
  state.ports.replace({port_of("web-2", "10.0.0.1"), port_of("db-1", "10.0.0.2")});
  state.name(flow);
  EXPECT_EQ(state.names.get(flow.names).source_pod, "web-1");
  EXPECT_EQ(state.names.get(flow.names).destination_pod, "db-1");
}

TEST(State, AServiceHeardOfAfterBothPodsWereNamedIsFilledLater) {
  State state({}, "node-a", start);
  state.ports.replace({port_of("web-1", "10.0.0.1"), port_of("db-1", "10.0.0.2")});
  auto seen = udp(4000);
  seen.original.destination = *flowstore::parse_address("10.96.0.10");
  observe(state, seen, start);
  flowstore::Flow flow = *state.store.find(seen.original, seen.reply);
  metadata::v1::Update update;
  metadata::v1::Service& service = *update.add_services();
  service.set_namespace_("shop");
  service.set_name("dns");
  service.add_cluster_ips(std::string("\x0a\x60\x00\x0a", 4));
  service.add_ports()->set_port(53);
  service.mutable_ports(0)->set_protocol(17);
  state.directory.apply(update, start.wall_ms);
  state.name(flow);
  EXPECT_EQ(state.names.get(flow.names).service_port_name, "shop/dns");
  EXPECT_EQ(state.names.get(flow.names).service_address, seen.original.destination);
  EXPECT_EQ(state.names.get(flow.names).destination_pod, "db-1");
}

using Zones = std::vector<std::uint16_t>;

TEST(State, ZonesOfTheRulesHoldWhereTheSettingsNameNone) {
  State state({}, "node-a", start);
  EXPECT_FALSE(state.zones_known());
  EXPECT_EQ(state.settings.zones, (Zones{65520, 65510})) << "until the rules tell";
  const unsigned generation = state.settings_generation;
  state.watch({5, 6}, start);
  EXPECT_TRUE(state.zones_known());
  EXPECT_EQ(state.settings.zones, (Zones{5, 6}));
  EXPECT_NE(state.settings_generation, generation);
  state.apply(config::Config{}, start);
  EXPECT_EQ(state.settings.zones, (Zones{5, 6})) << "another setting changed";
  state.watch({}, start);
  EXPECT_EQ(state.settings.zones, (Zones{65520, 65510})) << "another bridge";
}

TEST(State, ZonesOfTheSettingsComeFirst) {
  State state({}, "node-a", start);
  state.watch({5, 6}, start);
  config::Config settings;
  settings.zones = {7};
  settings.zones_from_rules = false;
  state.apply(settings, start);
  EXPECT_EQ(state.settings.zones, Zones{7});
  EXPECT_TRUE(state.zones_known());
  state.apply(config::Config{}, start);
  EXPECT_EQ(state.settings.zones, (Zones{5, 6}));
}

TEST(State, ExportTimingOfBothSpellings) {
  config::Config settings;
  EXPECT_EQ(export_timing(settings).active_ms, 60'000);
  EXPECT_EQ(export_timing(settings).idle_ms, 0);
  settings.active_timeout_ms = 5'000;
  settings.idle_timeout_ms = 15'000;
  EXPECT_EQ(export_timing(settings).active_ms, 5'000);
  EXPECT_EQ(export_timing(settings).idle_ms, 15'000);
}

TEST(State, ATcpTupleReusedOnTheUserspaceDatapathCountsFromZero) {
  State state({}, "node-a", start);
  state.counters.set_netflow_active(true);
  auto seen = udp(4000);
  seen.original.protocol = seen.reply.protocol = 6;
  seen.tcp_state = flowstore::TcpState::established;
  state.counters.add_netflow({seen.original, 10, 1'000}, start);
  auto first = seen;
  observe(state, first, start);
  auto reopened = seen;
  reopened.tcp_state = flowstore::TcpState::syn_sent;
  observe(state, reopened, start);
  EXPECT_EQ(state.store.find(seen.original, seen.reply)->total.packets, 0u);
  state.counters.add_netflow({seen.original, 3, 300}, start);
  auto again = seen;
  again.tcp_state = flowstore::TcpState::established;
  observe(state, again, start);
  EXPECT_EQ(state.store.find(seen.original, seen.reply)->total.packets, 3u);
}

}  // namespace
}  // namespace ofe
