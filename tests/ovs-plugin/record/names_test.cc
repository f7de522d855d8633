#include <gtest/gtest.h>

#include "flowstore/address.h"
#include "ovs-plugin/record/name_pool.h"

namespace ofe::record {
namespace {

namespace meta = metadata::v1;

std::string octets(const char* text) {
  const auto address = *flowstore::parse_address(text);
  if (!flowstore::is_ipv4(address)) return {address.begin(), address.end()};
  const auto four = flowstore::ipv4_octets(address);
  return {four.begin(), four.end()};
}

void add_pod(meta::Update& update, const char* name, const char* ip, const char* node) {
  meta::Pod& pod = *update.add_pods();
  pod.set_namespace_("shop");
  pod.set_name(name);
  pod.set_uid(name);
  pod.add_ips(octets(ip));
  pod.set_node_name(node);
  pod.set_phase(meta::Pod::RUNNING);
}

void add_node(meta::Update& update, const char* name, const char* address, const char* cidr) {
  meta::Node& node = *update.add_nodes();
  node.set_name(name);
  node.add_addresses(octets(address));
  meta::Cidr& range = *node.add_pod_cidrs();
  range.set_address(octets(cidr));
  range.set_prefix_length(24);
}

class NamesTest : public testing::Test {
 protected:
  NamesTest() {
    meta::Update update;
    add_pod(update, "web-1", "10.10.1.2", "node-a");
    add_pod(update, "db-1", "10.10.2.2", "node-b");
    add_node(update, "node-a", "192.0.2.1", "10.10.1.0");
    add_node(update, "node-b", "192.0.2.2", "10.10.2.0");
    meta::Service& service = *update.add_services();
    service.set_namespace_("shop");
    service.set_name("db");
    service.add_cluster_ips(octets("10.96.0.10"));
    for (const auto& [name, number] : {std::pair{"pg", 5432}, std::pair{"", 80}}) {
      meta::ServicePort& port = *service.add_ports();
      port.set_name(name);
      port.set_port(static_cast<std::uint32_t>(number));
      port.set_protocol(6);
      port.set_node_port(static_cast<std::uint32_t>(30000 + number % 1000));
    }
    directory_.begin_snapshot();
    directory_.apply(update, 1'000);
    directory_.end_snapshot(1'000);
    options_.node_name = "node-a";
  }
  static flowstore::Flow flow(const char* from, const char* to, const char* endpoint, std::uint16_t port = 5432) {
    flowstore::Flow made;
    made.start_wall_ms = 2'000;
    made.original = {*flowstore::parse_address(from), *flowstore::parse_address(to), 40000, port, 6};
    made.reply = {*flowstore::parse_address(endpoint), *flowstore::parse_address(from), port, 40000, 6};
    return made;
  }
  static flowstore::Flow flow(const char* from, const char* to) { return flow(from, to, to); }
  Names resolved(const flowstore::Flow& of) { return resolve(of, directory_, ports_, options_, stats_); }
  bool here(const flowstore::Flow& of) const { return exported_here(of, directory_, ports_, options_); }

  k8s::Directory directory_;
  LocalPorts ports_;
  NamingOptions options_;
  NamingStats stats_;
};

TEST_F(NamesTest, OnlyEntitiesOfThisNodeByDefault) {
  const Names names = resolved(flow("10.10.1.2", "10.10.2.2"));
  EXPECT_EQ(names.source_pod, "web-1");
  EXPECT_EQ(names.source_namespace, "shop");
  EXPECT_EQ(names.source_node, "node-a");
  EXPECT_EQ(names.destination_pod, "");
  EXPECT_EQ(names.destination_node, "");
}

TEST_F(NamesTest, RemoteNamesWhenAskedFor) {
  options_.remote_names = true;
  const Names names = resolved(flow("10.10.1.2", "10.10.2.2"));
  EXPECT_EQ(names.destination_pod, "db-1");
  EXPECT_EQ(names.destination_node, "node-b");
}

TEST_F(NamesTest, ServiceByTheOriginalDestination) {
  EXPECT_EQ(resolved(flow("10.10.1.2", "10.96.0.10", "10.10.2.2")).service_port_name, "shop/db:pg");
}

TEST_F(NamesTest, NoColonWhenThePortHasNoName) {
  EXPECT_EQ(resolved(flow("10.10.1.2", "10.96.0.10", "10.10.2.2", 80)).service_port_name, "shop/db");
}

TEST_F(NamesTest, TheServicesAddressIsTheOneAskedFor) {
  EXPECT_EQ(resolved(flow("10.10.1.2", "10.96.0.10", "10.10.2.2")).service_address,
            *flowstore::parse_address("10.96.0.10"));
  EXPECT_EQ(resolved(flow("10.10.1.2", "10.10.2.2")).service_address, flowstore::Address{});
}

TEST_F(NamesTest, ServiceByItsNodePortOnANodesAddress) {
  const Names names = resolved(flow("198.51.100.7", "192.0.2.1", "10.10.1.2", 30432));
  EXPECT_EQ(names.service_port_name, "shop/db:pg");
  EXPECT_EQ(names.service_address, *flowstore::parse_address("10.96.0.10")) << "a Node's address is no cluster IP";
  EXPECT_EQ(resolved(flow("198.51.100.7", "192.0.2.1", "10.10.1.2", 5432)).service_port_name, "") << "no node port";
  EXPECT_EQ(resolved(flow("10.10.1.2", "10.10.2.2", "10.10.2.2", 30432)).service_port_name, "") << "no Node's address";
}

// With proxyAll the host translates a Node's address to this one before the bridge does the rest.
TEST_F(NamesTest, ServiceByItsNodePortOnTheAddressThatAntreaPutsInItsPlace) {
  const Names names = resolved(flow("198.51.100.7", "169.254.0.252", "10.10.1.2", 30432));
  EXPECT_EQ(names.service_port_name, "shop/db:pg");
  EXPECT_EQ(names.service_address, *flowstore::parse_address("10.96.0.10"));
  EXPECT_EQ(resolved(flow("2001:db8::7", "fc01::aabb:ccdd:eefe", "10.10.1.2", 30432)).service_port_name, "shop/db:pg");
  EXPECT_EQ(resolved(flow("198.51.100.7", "169.254.0.253", "10.10.1.2", 30432)).service_port_name, "");
}

TEST_F(NamesTest, NoServicesWithoutAntreaProxy) {
  options_.services = false;
  EXPECT_EQ(resolved(flow("10.10.1.2", "10.96.0.10", "10.10.2.2")).service_port_name, "");
}

TEST_F(NamesTest, TheNodesOwnAddressHasItsNodeName) {
  EXPECT_EQ(resolved(flow("10.10.1.2", "192.0.2.1")).destination_node, "node-a");
  EXPECT_EQ(resolved(flow("10.10.1.1", "10.10.1.2")).source_node, "node-a");  // the gateway, in the Node's Pod CIDR
}

TEST_F(NamesTest, LocalPortsNameWhatTheDirectoryDoesNotKnow) {
  ports_.replace({{"v9", "tools", "probe", "", "", {*flowstore::parse_address("10.10.1.9")}}});
  const Names names = resolved(flow("10.10.1.9", "10.10.1.2"));
  EXPECT_EQ(names.source_pod, "probe");
  EXPECT_EQ(names.source_node, "node-a");
}

// The API's news may come late; who holds an address of this Node now its port knows.
TEST_F(NamesTest, ThePortTellsWhoHoldsAnAddressNow) {
  ports_.replace({{"v2", "shop", "web-2", "", "", {*flowstore::parse_address("10.10.1.2")}}});
  const Names names = resolved(flow("10.10.1.2", "192.0.2.1"));
  EXPECT_EQ(names.source_namespace + "/" + names.source_pod, "shop/web-2");
  EXPECT_EQ(names.source_node, "node-a");
  EXPECT_EQ(stats_.ports_over_directory, 1u);
  ports_.replace({{"v2", "shop", "web-1", "", "", {*flowstore::parse_address("10.10.1.2")}}});
  EXPECT_EQ(resolved(flow("10.10.1.2", "192.0.2.1")).source_pod, "web-1");
  EXPECT_EQ(stats_.ports_over_directory, 1u) << "they agree";
}

TEST_F(NamesTest, TheDirectoryTellsWhoHeldItBefore) {
  ports_.replace({{"v2", "shop", "web-2", "", "", {*flowstore::parse_address("10.10.1.2")}}});
  meta::Update gone;
  meta::Removal& removal = *gone.add_removals();
  removal.set_kind(meta::Removal::POD);
  removal.set_namespace_("shop");
  removal.set_name("web-1");
  removal.set_uid("web-1");
  directory_.apply(gone, 3'000);
  EXPECT_EQ(resolved(flow("10.10.1.2", "192.0.2.1")).source_pod, "web-1") << "the flow began at 2,000";
  flowstore::Flow later = flow("10.10.1.2", "192.0.2.1");
  later.start_wall_ms = 4'000;
  EXPECT_EQ(resolved(later).source_pod, "web-2");
  EXPECT_EQ(stats_.ports_over_directory, 0u);
}

TEST_F(NamesTest, TheNodeOfTheSourceExports) {
  EXPECT_TRUE(here(flow("10.10.1.2", "10.10.2.2")));
  EXPECT_FALSE(here(flow("10.10.2.2", "10.10.1.2")));
  EXPECT_TRUE(here(flow("192.0.2.1", "10.10.1.2")));
  EXPECT_FALSE(here(flow("192.0.2.2", "10.10.1.2")));
  EXPECT_FALSE(here(flow("10.10.2.1", "10.10.1.2")));  // the other Node's gateway
}

TEST_F(NamesTest, FromOutsideTheClusterIsExportedWhereItArrives) {
  EXPECT_TRUE(here(flow("198.51.100.7", "10.10.1.2")));
}

TEST_F(NamesTest, WithoutTheDirectoryPodRangesDecide) {
  const k8s::Directory empty;
  options_.pod_cidrs = {*flowstore::parse_prefix("10.10.0.0/16")};
  ports_.replace({{"v1", "shop", "web-1", "", "", {*flowstore::parse_address("10.10.1.2")}}});
  EXPECT_TRUE(exported_here(flow("10.10.1.2", "10.10.2.2"), empty, ports_, options_));
  EXPECT_FALSE(exported_here(flow("10.10.2.2", "10.10.1.2"), empty, ports_, options_));
  EXPECT_TRUE(exported_here(flow("198.51.100.7", "10.10.1.2"), empty, ports_, options_));
}

TEST_F(NamesTest, WhereTheEndsAreIsKnownWhoeverHasAName) {
  const auto ends = [&](const char* source, const char* destination) {
    return resolved(flow(source, destination)).ends;
  };
  EXPECT_EQ(ends("10.10.1.2", "10.10.2.2"), (Ends{EndKind::pod_here, EndKind::pod_elsewhere}));
  EXPECT_EQ(ends("10.10.2.77", "10.10.1.1"), (Ends{EndKind::pod_elsewhere, EndKind::gateway}))
      << "a Pod elsewhere is known by its Node's range";
  EXPECT_EQ(ends("192.0.2.2", "198.51.100.7"), (Ends{EndKind::node, EndKind::outside}));
  EXPECT_EQ(ends("10.10.2.1", "10.10.1.2"), (Ends{EndKind::gateway, EndKind::pod_here}));
}

TEST(Ends, WhatIsKnownLaterTakesNothingAway) {
  Ends ends{EndKind::pod_here, EndKind::outside};
  ends.add({EndKind::gateway, EndKind::pod_elsewhere});  // the Pod is gone
  EXPECT_EQ(ends, (Ends{EndKind::pod_here, EndKind::pod_elsewhere}));
}

TEST(NamePool, OneCopyForEqualNamesUntilTheLastIsReleased) {
  NamePool pool;
  const Names names{"web-1", "shop", "node-a", "", "", "", ""};
  const auto first = pool.acquire(names);
  EXPECT_EQ(pool.acquire(names), first);
  EXPECT_EQ(pool.get(first).source_pod, "web-1");
  pool.release(first);
  EXPECT_EQ(pool.get(first).source_pod, "web-1");
  pool.release(first);
  EXPECT_EQ(pool.size(), 0u);
  EXPECT_NE(pool.acquire(names), 0u);
}

TEST(NamePool, NoNamesIsHandleZero) {
  NamePool pool;
  EXPECT_EQ(pool.acquire({}), 0u);
  pool.release(0);
  EXPECT_TRUE(pool.get(0).empty());
}

}  // namespace
}  // namespace ofe::record
