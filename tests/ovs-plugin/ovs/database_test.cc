#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>

#include "tests/ovs-plugin/ovs/loopback.h"
#include "tests/ovs-plugin/ovs/testbed.h"

namespace ofe_test {
namespace {

using ::testing::Pair;
using ::testing::UnorderedElementsAre;
using Ids = std::map<std::string, std::string>;

struct Interface {
  std::string bridge, type;
  std::int64_t ofport = 0, ifindex = 0;
  Ids ids;
};

Ids ids_of(const ofe_ovs_pair* pairs, size_t n) {
  Ids ids;
  for (size_t i = 0; i < n; ++i) {
    EXPECT_TRUE(ids.emplace(pairs[i].key, pairs[i].value).second) << pairs[i].key << " twice";
  }
  return ids;
}

std::map<std::string, Interface> interfaces_of(const ofe_ovs_db* db) {
  std::map<std::string, Interface> found;
  ofe_ovs_db_each_interface(
      db,
      [](const ofe_ovs_interface* interface, void* context) {
        (*static_cast<std::map<std::string, Interface>*>(context))[interface->name] = {
            interface->bridge, interface->type, interface->ofport, interface->ifindex,
            ids_of(interface->external_ids, interface->n_external_ids)};
        return true;
      },
      &found);
  return found;
}

struct Bridge {
  std::string datapath_type, datapath_id;
  Ids ids;
  bool has_netflow = false;
};

std::map<std::string, Bridge> bridges_of(const ofe_ovs_db* db) {
  std::map<std::string, Bridge> found;
  ofe_ovs_db_each_bridge(
      db,
      [](const ofe_ovs_bridge* bridge, void* context) {
        (*static_cast<std::map<std::string, Bridge>*>(context))[bridge->name] = {
            bridge->datapath_type, bridge->datapath_id, ids_of(bridge->external_ids, bridge->n_external_ids),
            bridge->has_netflow};
        return true;
      },
      &found);
  return found;
}

class Database : public ::testing::Test {
 protected:
  void SetUp() override {
    start_library();
    testbed.vsctl({"add-br",
                   "brd",
                   "--",
                   "set",
                   "bridge",
                   "brd",
                   "datapath_type=netdev",
                   "fail_mode=secure",
                   "other_config:datapath-id=00000000000000d0",
                   "external_ids:owner=antrea",
                   "--",
                   "add-port",
                   "brd",
                   "pod1",
                   "--",
                   "set",
                   "interface",
                   "pod1",
                   "type=internal",
                   "ofport_request=7",
                   "external_ids:k8s-pod-name=web",
                   "external_ids:shared=interface",
                   "--",
                   "set",
                   "port",
                   "pod1",
                   "external_ids:shared=port",
                   "external_ids:container-id=c1"});
    db = ofe_ovs_db_open(testbed.database().c_str());
  }
  void TearDown() override {
    ofe_ovs_db_close(db);
    testbed.vsctl({"--if-exists", "del-br", "brd"});
  }
  Testbed& testbed = Testbed::get();
  ofe_ovs_db* db = nullptr;
};

TEST_F(Database, ShowsBridgesAndInterfacesWithTheirNames) {
  EXPECT_EQ(ofe_ovs_db_seqno(db), 0u);
  EXPECT_STREQ(ofe_ovs_db_ovs_version(db), "");
  ASSERT_TRUE(run_until(db, [&] { return ofe_ovs_db_seqno(db) != 0; }));
  EXPECT_TRUE(ofe_ovs_db_connected(db));

  std::map<std::string, Interface> interfaces = interfaces_of(db);
  ASSERT_TRUE(interfaces.contains("pod1"));
  const Interface& pod = interfaces["pod1"];
  EXPECT_EQ(pod.bridge, "brd");
  EXPECT_EQ(pod.type, "internal");
  EXPECT_EQ(pod.ofport, 7);
  EXPECT_GT(pod.ifindex, 0);
  EXPECT_THAT(pod.ids, UnorderedElementsAre(Pair("k8s-pod-name", "web"), Pair("shared", "interface"),
                                            Pair("container-id", "c1")));
  ASSERT_TRUE(interfaces.contains("brd")) << "the bridge's own port";

  std::map<std::string, Bridge> bridges = bridges_of(db);
  ASSERT_TRUE(bridges.contains("brd"));
  EXPECT_EQ(bridges["brd"].datapath_type, "netdev");
  EXPECT_EQ(bridges["brd"].datapath_id, "00000000000000d0");
  EXPECT_THAT(bridges["brd"].ids, UnorderedElementsAre(Pair("owner", "antrea")));
  EXPECT_FALSE(bridges["brd"].has_netflow);
}

TEST_F(Database, SeqnoFollowsChanges) {
  ASSERT_TRUE(run_until(db, [&] { return ofe_ovs_db_seqno(db) != 0; }));
  const unsigned before = ofe_ovs_db_seqno(db);
  testbed.vsctl({"set", "interface", "pod1", "external_ids:k8s-pod-name=renamed"});
  ASSERT_TRUE(run_until(db, [&] { return interfaces_of(db)["pod1"].ids["k8s-pod-name"] == "renamed"; }));
  EXPECT_NE(ofe_ovs_db_seqno(db), before);
  testbed.vsctl({"del-port", "brd", "pod1"});
  EXPECT_TRUE(run_until(db, [&] { return !interfaces_of(db).contains("pod1"); }));
}

TEST_F(Database, OfportIsMinusOneUntilThereIsOne) {
  testbed.vsctl({"--no-wait", "add-br", "brx", "--", "set", "bridge", "brx", "datapath_type=nosuch", "--", "add-port",
                 "brx", "lost"});
  ASSERT_TRUE(run_until(db, [&] { return interfaces_of(db).contains("lost"); }));
  EXPECT_EQ(interfaces_of(db)["lost"].ofport, -1);
  EXPECT_EQ(interfaces_of(db)["lost"].ifindex, 0);
  testbed.vsctl({"--no-wait", "del-br", "brx"});
}

TEST_F(Database, VisitStopsWhenToldTo) {
  ASSERT_TRUE(run_until(db, [&] { return interfaces_of(db).size() >= 2; }));
  int visits = 0;
  ofe_ovs_db_each_interface(
      db, [](const ofe_ovs_interface*, void* context) { return ++*static_cast<int*>(context) < 1; }, &visits);
  EXPECT_EQ(visits, 1);
}

TEST_F(Database, ComesBackAfterTheServerDoes) {
  ASSERT_TRUE(run_until(db, [&] { return interfaces_of(db).contains("pod1"); }));
  testbed.stop_ovsdb_server();
  ASSERT_TRUE(run_until(db, [&] { return !ofe_ovs_db_connected(db); }));
  EXPECT_TRUE(interfaces_of(db).contains("pod1")) << "what was known stays";
  testbed.start_ovsdb_server();
  EXPECT_TRUE(run_until(db, [&] { return ofe_ovs_db_connected(db); }));
  testbed.vsctl({"set", "interface", "pod1", "external_ids:k8s-pod-name=after"});
  EXPECT_TRUE(run_until(db, [&] { return interfaces_of(db)["pod1"].ids["k8s-pod-name"] == "after"; }));
}

}  // namespace
}  // namespace ofe_test
