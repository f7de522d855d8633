// Node-to-Node flows from the entries of zone 0 to the records, on the state the exporter's parts share.
#include "ovs-plugin/exporter/node_flows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flowstore/address.h"
#include "ovs-plugin/exporter/observation_batch.h"
#include "tests/k8s-bridge/directory/metadata_messages.h"

namespace ofe {
namespace {

using flowstore::Observation;
using k8s::test::node;
using k8s::test::removal;
using k8s::test::update_of;
using k8s::test::with_cidr;
using testing::ElementsAre;

constexpr std::int64_t start_wall_ms = 1'700'000'000'000;

Observation entry(std::uint16_t zone, const char* from, const char* to, const char* endpoint, const char* back_to) {
  Observation seen;
  seen.zone = zone;
  seen.id = 7;
  seen.start_wall_ms = start_wall_ms + 10;
  seen.original = {*flowstore::parse_address(from), *flowstore::parse_address(to), 40000, 6443, 6};
  seen.reply = {*flowstore::parse_address(endpoint), *flowstore::parse_address(back_to), 6443, 40000, 6};
  seen.statistics = flowstore::Statistics::exact;
  seen.counters = {10, 1000, 5, 500};
  return seen;
}
Observation entry(std::uint16_t zone, const char* from, const char* to) {
  return entry(zone, from, to, to, from);
}

metadata::v1::Update both_nodes() {
  return update_of(with_cidr(node("node-a", {"192.0.2.1", "fd00::1"}), "10.10.1.0", 24),
                   with_cidr(node("node-b", {"192.0.2.2", "fd00::2"}), "10.10.2.0", 24));
}

struct Record {
  std::uint64_t packets_total, packets_delta;
  flowstore::EndReason reason;
  friend bool operator==(const Record&, const Record&) = default;
};

// An exporter on one Node, polled by hand.
class NodeUnderTest {
 public:
  explicit NodeUnderTest(const char* name, config::Config settings = {}) : state(std::move(settings), name, now_) {}

  void learn(const metadata::v1::Update& update) { state.directory.apply(update, now_.wall_ms); }

  // One poll: every watched zone's entries, as conntrack shows them.
  void poll(const std::vector<Observation>& entries) {
    now_.monotonic_ms += 1'000;
    now_.wall_ms += 1'000;
    for (const std::uint16_t zone : watched_zones(state.settings)) {
      state.store.begin_scan(zone, now_);
      for (const Observation& seen : entries) {
        if (seen.zone == zone) batch_.add(seen);
      }
      batch_.flush(state, now_);
      state.store.end_scan(zone, true, now_);
    }
    while (state.store.sweep(1'000, now_)) {
    }
  }

  void sweep() {
    while (state.store.sweep(1'000, now_)) continue;
  }
  // What is sent of what is due, and what another Node sends.
  std::vector<Record> records(bool all_due = false) {
    if (all_due) state.store.make_all_due(now_);
    sweep();
    std::vector<Record> sent;
    state.store.export_due(now_, 1'000, [&](flowstore::Export& due) {
      if (state.exported_here(due.flow)) {
        sent.push_back({due.flow.total.packets, due.delta.packets, due.reason});
      } else {
        ++elsewhere;
      }
      return true;
    });
    return sent;
  }

  std::size_t flows() const { return state.store.stats().flows; }
  const record::Names& names_of(const Observation& seen) {
    return state.names.get(state.store.find(seen.original, seen.reply)->names);
  }
  flowstore::Now now() const { return now_; }

 private:
  flowstore::Now now_{1'000, start_wall_ms};
  ObservationBatch batch_;

 public:
  State state;
  int elsewhere = 0;
};

constexpr auto active = flowstore::EndReason::active_timeout;
constexpr auto ended = flowstore::EndReason::end_of_flow;

TEST(WatchedZones, ZoneZeroIsReadLastAndInAdditionToThoseListed) {
  config::Config settings;
  EXPECT_THAT(watched_zones(settings), ElementsAre(65520, 65510, 0));
  settings.node_flows = false;
  EXPECT_THAT(watched_zones(settings), ElementsAre(65520, 65510));
  settings.zones = {0, 7};
  EXPECT_THAT(watched_zones(settings), ElementsAre(0, 7));
  settings.node_flows = true;
  EXPECT_THAT(watched_zones(settings), ElementsAre(0, 7));
  EXPECT_FALSE(reads_node_flows(settings));
}

TEST(NodeFlows, OnlyConnectionsBetweenNodeAddressesEnter) {
  NodeUnderTest node_a("node-a");
  node_a.learn(both_nodes());
  const Observation plain = entry(0, "192.0.2.1", "192.0.2.2");
  const Observation dnat = entry(0, "192.0.2.1", "10.96.0.1", "192.0.2.2", "192.0.2.1");
  const Observation own = entry(0, "192.0.2.1", "192.0.2.1");
  const Observation ipv6 = entry(0, "fd00::2", "fd00::1");
  node_a.poll({
      plain,
      dnat,
      own,
      ipv6,
      entry(0, "10.10.1.2", "203.0.113.9", "203.0.113.9", "192.0.2.1"),  // a Pod's, masqueraded
      entry(0, "10.10.1.2", "192.0.2.2", "192.0.2.2", "192.0.2.1"),      // a Pod's to another Node
      entry(0, "203.0.113.9", "192.0.2.1", "10.10.1.2", "203.0.113.9"),  // NodePort to a Pod
      entry(0, "203.0.113.9", "192.0.2.1", "192.0.2.2", "192.0.2.1"),    // NodePort to a host-network endpoint
      entry(0, "192.0.2.1", "192.0.2.2", "10.10.2.2", "192.0.2.1"),      // a Node's to a Pod
      entry(0, "10.10.1.1", "10.10.2.1"),                                // gateways are not Node addresses
      entry(0, "127.0.0.1", "127.0.0.1"),
  });
  for (const Observation* seen : {&plain, &dnat, &own, &ipv6}) {
    EXPECT_NE(node_a.state.store.find(seen->original, seen->reply), nullptr);
  }
  EXPECT_EQ(node_a.flows(), 4u);
  EXPECT_EQ(node_a.state.node_flows.stats().taken, 4u);
  EXPECT_EQ(node_a.state.node_flows.stats().left_out, 7u);
  EXPECT_EQ(node_a.names_of(plain).source_node, "node-a");
  EXPECT_EQ(node_a.names_of(plain).destination_node, "");  // names of other Nodes on request only
  EXPECT_EQ(node_a.names_of(own).destination_node, "node-a");
}

TEST(NodeFlows, AddressesThatStayOnTheLinkAreNobodys) {
  NodeUnderTest node_a("node-a");
  const auto misled = {"127.0.0.1", "169.254.0.253", "::1", "fe80::1", "febf::1"};
  for (const char* address : misled) {
    node_a.learn(update_of(node(address, {address})));
    node_a.poll({entry(0, address, address)});
  }
  EXPECT_EQ(node_a.flows(), 0u);
  node_a.learn(update_of(node("x", {"fec0::1", "170.254.0.1"})));
  node_a.poll({entry(0, "fec0::1", "fec0::1"), entry(0, "170.254.0.1", "170.254.0.1")});
  EXPECT_EQ(node_a.flows(), 2u);
}

TEST(NodeFlows, NothingEntersBeforeTheNodesAreKnownAndAllOfItThen) {
  NodeUnderTest node_a("node-a");
  const Observation seen = entry(0, "192.0.2.1", "192.0.2.2");
  node_a.poll({seen});
  node_a.poll({seen});
  EXPECT_EQ(node_a.flows(), 0u);
  EXPECT_EQ(node_a.state.node_flows.stats().left_out, 2u);
  EXPECT_THAT(node_a.state.node_flows.problem("node-a"), testing::HasSubstr("no Node is known"));
  node_a.learn(update_of(node("node-b", {"192.0.2.2"})));
  EXPECT_THAT(node_a.state.node_flows.problem("node-a"), testing::HasSubstr("this Node, node-a, is not among"));
  node_a.poll({seen});
  EXPECT_EQ(node_a.flows(), 0u);
  node_a.learn(both_nodes());
  EXPECT_EQ(node_a.state.node_flows.problem("node-a"), "");
  node_a.poll({seen});
  // It began after the exporter did, so nothing of it was counted before.
  EXPECT_THAT(node_a.records(true), ElementsAre(Record{10, 10, active}));
}

TEST(NodeFlows, AFlowOfARemovedNodeLivesAsLongAsItsConnection) {
  NodeUnderTest node_a("node-a");
  node_a.learn(both_nodes());
  Observation seen = entry(0, "192.0.2.1", "192.0.2.2");
  node_a.poll({seen});
  EXPECT_EQ(node_a.records(true).size(), 1u);
  node_a.learn(
      update_of(removal(metadata::v1::Removal::NODE, "node-a"), removal(metadata::v1::Removal::NODE, "node-b")));
  seen.counters.packets = 25;
  Observation another = entry(0, "192.0.2.1", "192.0.2.2");
  another.original.source_port = another.reply.destination_port = 40001;
  for (int polls = 0; polls < 3; ++polls) node_a.poll({seen, another});
  EXPECT_EQ(node_a.flows(), 1u) << "a connection that was not followed before does not enter";
  EXPECT_THAT(node_a.records(), ElementsAre()) << "the flow did not end";
  node_a.learn(both_nodes());  // the kubelet made the objects again
  node_a.poll({seen});
  EXPECT_THAT(node_a.records(true), ElementsAre(Record{25, 15, active})) << "nothing is counted twice";
  node_a.learn(update_of(removal(metadata::v1::Removal::NODE, "node-b")));
  node_a.poll({});
  node_a.poll({});
  EXPECT_THAT(node_a.records(), ElementsAre(Record{25, 0, ended}));
  EXPECT_EQ(node_a.flows(), 0u);
}

TEST(NodeFlows, ExactlyOneNodeExportsWhateverBecomesOfTheNodeObjects) {
  const Observation seen = entry(0, "192.0.2.1", "192.0.2.2");
  for (const bool remote_names : {false, true}) {
    config::Config settings;
    settings.remote_names = remote_names;
    NodeUnderTest node_a("node-a", settings), node_b("node-b", settings);
    for (NodeUnderTest* each : {&node_a, &node_b}) {
      each->learn(both_nodes());
      each->poll({seen});
    }
    EXPECT_EQ(node_a.names_of(seen).destination_node, remote_names ? "node-b" : "");
    for (NodeUnderTest* each : {&node_a, &node_b})
      each->learn(update_of(removal(metadata::v1::Removal::NODE, "node-a")));
    for (NodeUnderTest* each : {&node_a, &node_b}) {
      each->poll({});
      each->poll({});
    }
    EXPECT_THAT(node_a.records(), ElementsAre(Record{10, 10, ended}));
    EXPECT_THAT(node_b.records(), ElementsAre());
    EXPECT_EQ(node_a.elsewhere, 0);
    EXPECT_EQ(node_b.elsewhere, 1);
  }
}

TEST(NodeFlows, AConnectionThatABridgeZoneShowsAsWellIsOneFlowAndOneRecord) {
  NodeUnderTest node_a("node-a"), node_b("node-b");
  Observation bridge = entry(65520, "192.0.2.1", "192.0.2.2"), host = entry(0, "192.0.2.1", "192.0.2.2");
  host.id = 8;
  host.counters.packets = 9;  // not yet the last one
  for (NodeUnderTest* each : {&node_a, &node_b}) {
    each->learn(both_nodes());
    each->poll({host, bridge});
    each->poll({host, bridge});
    EXPECT_EQ(each->flows(), 1u);
    EXPECT_EQ(each->state.store.find(host.original, host.reply)->zone, 65520);
  }
  EXPECT_THAT(node_a.records(true), ElementsAre(Record{10, 10, active}));
  EXPECT_THAT(node_b.records(true), ElementsAre());
  node_a.poll({host});
  node_a.poll({host});
  EXPECT_EQ(node_a.flows(), 1u) << "one zone still shows it";
  node_a.poll({});
  node_a.poll({});
  EXPECT_THAT(node_a.records(), ElementsAre(Record{10, 0, ended}));
  EXPECT_EQ(node_a.flows(), 0u);
}

TEST(NodeFlows, ZoneZeroInTheListOfZonesIsAllOfIt) {
  config::Config settings;
  settings.zones = {65520, 0};
  NodeUnderTest node_a("node-a", settings);
  node_a.learn(both_nodes());
  const Observation masqueraded = entry(0, "10.10.1.2", "203.0.113.9", "203.0.113.9", "192.0.2.1");
  const Observation between = entry(0, "192.0.2.2", "192.0.2.1");
  node_a.poll({masqueraded, between});
  EXPECT_EQ(node_a.flows(), 2u);
  EXPECT_EQ(node_a.records(true).size(), 1u);
  EXPECT_EQ(node_a.elsewhere, 1);
  EXPECT_EQ(node_a.state.node_flows.stats().left_out, 0u);
  // No longer listed: what is no Node-to-Node flow ends, the rest is not counted again.
  settings.zones = {65520};
  node_a.state.apply(settings, node_a.now());
  node_a.sweep();
  EXPECT_EQ(node_a.state.store.stats().ended_waiting, 2u);
  node_a.records();
  node_a.poll({masqueraded, between});
  EXPECT_EQ(node_a.flows(), 1u);
  const flowstore::Flow* again = node_a.state.store.find(between.original, between.reply);
  ASSERT_NE(again, nullptr);
  EXPECT_EQ(again->pending.packets, 0u);
}

TEST(NodeFlows, SwitchedOffDuringAScanNothingMoreEnters) {
  NodeUnderTest node_a("node-a");
  node_a.learn(both_nodes());
  config::Config settings;
  settings.node_flows = false;
  node_a.state.apply(settings, node_a.now());
  ObservationBatch batch;
  batch.add(entry(0, "192.0.2.1", "192.0.2.2"));
  batch.flush(node_a.state, node_a.now());
  EXPECT_EQ(node_a.flows(), 0u);
}

}  // namespace
}  // namespace ofe
