#include "k8s-bridge/directory/directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metadata_messages.h"

namespace ofe::k8s::test {
namespace {

using metadata::v1::Removal;
using testing::UnorderedElementsAre;

metadata::v1::Update cluster() {
  return update_of(pod("a", {"10.10.0.1"}, 1000), pod("b", {"10.10.0.2"}, 1000),
                   with_port(service("web", {"10.96.0.1"}), 80, tcp, "http"),
                   with_port(service("dns", {"10.96.0.2"}), 53, udp, "dns"), node("n1", {"192.0.2.1"}),
                   with_cidr(node("n2", {"192.0.2.2"}), "10.10.0.0", 24));
}

TEST(Directory, ASnapshotRemovesWhatItDoesNotRepeatAtItsEnd) {
  Directory directory;
  EXPECT_FALSE(directory.has_snapshot());
  directory.begin_snapshot();
  directory.apply(cluster(), 2000);
  EXPECT_FALSE(directory.has_snapshot());
  directory.end_snapshot(2000);
  EXPECT_TRUE(directory.has_snapshot());

  directory.begin_snapshot();
  directory.apply(update_of(pod("a", {"10.10.0.1"}, 1000), pod("c", {"10.10.0.3"}, 3000),
                            with_port(service("web", {"10.96.0.1"}), 80, tcp, "http"), node("n1", {"192.0.2.1"})),
                  5000);
  EXPECT_EQ(pod_name(directory, "10.10.0.3", 5000), "c") << "what a snapshot brings is found at once";
  EXPECT_EQ(pod_name(directory, "10.10.0.2", 5000), "b") << "what it leaves out stays until its end";
  EXPECT_EQ(service_name(directory, "10.96.0.2", 53, udp), "dns:dns");
  directory.end_snapshot(6000);

  EXPECT_EQ(pod_name(directory, "10.10.0.1", 6000), "a");
  EXPECT_EQ(pod_name(directory, "10.10.0.2", 6000), "-");
  EXPECT_EQ(pod_name(directory, "10.10.0.2", 5999), "b") << "removed at the snapshot's end";
  EXPECT_EQ(service_name(directory, "10.96.0.1", 80, tcp), "web:http");
  EXPECT_EQ(service_name(directory, "10.96.0.2", 53, udp), "-");
  EXPECT_EQ(name_of(directory.node(address("192.0.2.1"))), "n1");
  EXPECT_EQ(name_of(directory.node(address("192.0.2.2"))), "-");
  EXPECT_EQ(name_of(directory.node_of_pod_address(address("10.10.0.1"))), "-");
  EXPECT_EQ(directory.stats().removals, 3u);
  EXPECT_EQ(directory.stats().snapshots, 2u);
}

TEST(Directory, AnAbandonedSnapshotRemovesNothing) {
  Directory directory;
  directory.begin_snapshot();
  directory.apply(cluster(), 2000);
  directory.end_snapshot(2000);

  directory.begin_snapshot();
  directory.apply(update_of(pod("c", {"10.10.0.3"}, 3000)), 5000);
  directory.abandon_snapshot();
  directory.end_snapshot(6000);  // without a beginning: nothing
  EXPECT_EQ(pod_name(directory, "10.10.0.1", 7000), "a");
  EXPECT_EQ(pod_name(directory, "10.10.0.3", 7000), "c");
  EXPECT_EQ(directory.stats().snapshots, 1u);
  EXPECT_TRUE(directory.has_snapshot());

  directory.begin_snapshot();  // what the abandoned one brought does not count as repeated
  directory.end_snapshot(8000);
  EXPECT_EQ(pod_name(directory, "10.10.0.3", 9000), "-");
  EXPECT_EQ(directory.stats().pods + directory.stats().services + directory.stats().nodes, 0u);
}

TEST(Directory, ASnapshotBegunAgainStartsOver) {
  Directory directory;
  directory.begin_snapshot();
  directory.apply(cluster(), 2000);
  directory.begin_snapshot();
  directory.apply(update_of(pod("a", {"10.10.0.1"}, 1000)), 2000);
  directory.end_snapshot(3000);
  EXPECT_EQ(directory.stats().pods, 1u);
  EXPECT_EQ(directory.stats().services, 0u);
}

TEST(Directory, UpdatesAfterASnapshotRemoveNothingElse) {
  Directory directory;
  directory.begin_snapshot();
  directory.apply(cluster(), 2000);
  directory.end_snapshot(2000);
  directory.apply(update_of(pod("c", {"10.10.0.3"}, 3000)), 3000);
  EXPECT_EQ(directory.stats().pods, 3u);
  EXPECT_EQ(directory.stats().services, 2u);
}

TEST(Directory, WhatAnUpdateBothRemovesAndListsIsThere) {
  Directory directory;
  directory.apply(cluster(), 2000);
  directory.apply(update_of(removal(Removal::SERVICE, "web"), removal(Removal::NODE, "n1"),
                            with_port(service("web", {"10.96.0.9"}), 80, tcp, "http"), node("n1", {"192.0.2.9"})),
                  3000);
  EXPECT_EQ(service_name(directory, "10.96.0.9", 80, tcp), "web:http");
  EXPECT_EQ(service_name(directory, "10.96.0.1", 80, tcp), "-");
  EXPECT_EQ(name_of(directory.node(address("192.0.2.9"))), "n1");
}

TEST(Directory, RemovingTheUnknownIsNothing) {
  Directory directory;
  auto unknown_kind = removal(Removal::POD, "a");
  unknown_kind.set_kind(static_cast<Removal::Kind>(77));
  directory.apply(cluster(), 2000);
  directory.apply(update_of(removal(Removal::POD, "x", "uid-x"), removal(Removal::POD, "x"),
                            removal(Removal::SERVICE, "x"), removal(Removal::NODE, "x"), unknown_kind),
                  3000);
  EXPECT_EQ(directory.stats().removals, 0u);
  EXPECT_EQ(directory.stats().pods, 2u);
}

TEST(Directory, CountsWhatItCannotUse) {
  Directory directory;
  auto bad_address = pod("a", {"10.10.0.1"}, 1000);
  bad_address.add_ips("12345");
  directory.apply(update_of(bad_address, pod("", {"10.10.0.2"}, 1000), service("", {}), node("", {})), 2000);
  EXPECT_EQ(directory.stats().invalid, 4u);
  EXPECT_EQ(directory.stats().updates, 1u);
  EXPECT_EQ(pod_name(directory, "10.10.0.1", 2000), "a") << "the address that is one is used";
  EXPECT_EQ(pod_name(directory, "10.10.0.2", 2000), "-");
}

TEST(Directory, TakesNoMoreThanItsLimitOfEachKind) {
  Directory directory({.max_objects = 2});
  directory.apply(cluster(), 2000);
  directory.apply(update_of(pod("c", {"10.10.0.3"}, 1000), service("c", {}), node("n3", {})), 3000);
  EXPECT_EQ(directory.stats().refused, 3u);
  EXPECT_EQ(directory.stats().pods, 2u);
  EXPECT_EQ(directory.stats().services, 2u);
  EXPECT_EQ(directory.stats().nodes, 2u);
  directory.apply(update_of(pod("a", {"10.10.0.9"}, 1000)), 4000);  // one that is known is still updated
  EXPECT_EQ(pod_name(directory, "10.10.0.9", 4000), "a");
}

TEST(Directory, VisitsWhatIsThereUntilTold) {
  Directory directory;
  directory.apply(cluster(), 2000);
  directory.apply(update_of(removal(Removal::POD, "b", "uid-b")), 3000);
  std::vector<std::string> seen;
  directory.each_pod([&](const Pod& item) { return seen.push_back(item.name), true; });
  directory.each_service([&](const Service& item) { return seen.push_back(item.name), true; });
  directory.each_node([&](const Node& item) { return seen.push_back(item.name), true; });
  EXPECT_THAT(seen, UnorderedElementsAre("a", "web", "dns", "n1", "n2"));
  int visits = 0;
  directory.each_service([&](const Service&) { return ++visits, false; });
  directory.each_node([&](const Node&) { return ++visits, false; });
  directory.each_pod([&](const Pod&) { return ++visits, false; });
  EXPECT_EQ(visits, 3);
}

}  // namespace
}  // namespace ofe::k8s::test
