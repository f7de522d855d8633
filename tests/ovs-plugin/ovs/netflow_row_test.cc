#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <memory>

#include "tests/ovs-plugin/ovs/loopback.h"
#include "tests/ovs-plugin/ovs/testbed.h"

namespace ofe_test {
namespace {

using ::testing::HasSubstr;

class NetflowRow : public ::testing::Test {
 protected:
  using Handle = std::unique_ptr<ofe_ovs_db, decltype(&ofe_ovs_db_close)>;

  void SetUp() override {
    start_library();
    add_bridge("brn");
  }
  void TearDown() override { testbed.vsctl({"--if-exists", "del-br", "brn", "--", "--if-exists", "del-br", "brm"}); }
  void add_bridge(const std::string& name) {
    testbed.vsctl({"add-br", name, "--", "set", "bridge", name, "datapath_type=netdev"});
  }
  Handle open() { return {ofe_ovs_db_open(testbed.database().c_str()), &ofe_ovs_db_close}; }
  void claim(const Handle& db, const std::string& target, const std::string& mark = "node-a",
             const std::string& bridge = "brn", int active_timeout_s = 2) {
    ofe_ovs_db_netflow_claim(db.get(), bridge.c_str(), target.c_str(), mark.c_str(), active_timeout_s);
  }
  bool reaches(const Handle& db, ofe_ovs_netflow_state state) {
    return run_until(db.get(), [&] { return ofe_ovs_db_netflow_state(db.get()) == state; });
  }
  std::string row() {
    return testbed.vsctl({"--bare", "--columns=targets,active_timeout,external_ids", "list", "NetFlow"});
  }
  std::string column_of(const std::string& bridge) { return testbed.vsctl({"get", "bridge", bridge, "netflow"}); }
  void add_foreign_row() {
    testbed.vsctl(
        {"--", "set", "bridge", "brn", "netflow=@n", "--", "--id=@n", "create", "NetFlow", "targets=\"127.0.0.1:9\""});
  }

  Testbed& testbed = Testbed::get();
};

TEST_F(NetflowRow, IsMadeOnClaimAndGoneAfterRelease) {
  Handle db = open();
  EXPECT_EQ(ofe_ovs_db_netflow_state(db.get()), OFE_OVS_NETFLOW_OFF);
  EXPECT_EQ(ofe_ovs_db_netflow_release(db.get(), 1000), 0) << "nothing asked for";
  claim(db, "127.0.0.1:2055");
  EXPECT_EQ(ofe_ovs_db_netflow_state(db.get()), OFE_OVS_NETFLOW_PENDING);
  ASSERT_TRUE(reaches(db, OFE_OVS_NETFLOW_ACTIVE)) << ofe_ovs_db_netflow_error(db.get());
  EXPECT_EQ(row(), "127.0.0.1:2055\n2\novs-flow-exporter=node-a\n");
  int ours = 0;
  ofe_ovs_db_each_bridge(
      db.get(),
      [](const ofe_ovs_bridge* bridge, void* context) {
        *static_cast<int*>(context) += bridge->has_netflow && bridge->netflow_is_ours;
        return true;
      },
      &ours);
  EXPECT_EQ(ours, 1);

  EXPECT_EQ(ofe_ovs_db_netflow_release(db.get(), 10'000), 0);
  EXPECT_EQ(ofe_ovs_db_netflow_state(db.get()), OFE_OVS_NETFLOW_OFF);
  EXPECT_EQ(row(), "");
}

TEST_F(NetflowRow, OfAnEarlierProcessIsTakenOver) {
  {
    Handle crashed = open();
    claim(crashed, "127.0.0.1:2055");
    ASSERT_TRUE(reaches(crashed, OFE_OVS_NETFLOW_ACTIVE));
  }
  ASSERT_THAT(row(), HasSubstr("127.0.0.1:2055"));
  const std::string uuid = column_of("brn");
  Handle db = open();
  claim(db, "127.0.0.1:2056", "node-a", "brn", 5);
  ASSERT_TRUE(reaches(db, OFE_OVS_NETFLOW_ACTIVE));
  EXPECT_EQ(row(), "127.0.0.1:2056\n5\novs-flow-exporter=node-a\n");
  EXPECT_EQ(column_of("brn"), uuid);
  EXPECT_EQ(ofe_ovs_db_netflow_release(db.get(), 10'000), 0);
  EXPECT_EQ(row(), "");
}

TEST_F(NetflowRow, OfALaterProcessIsYieldedToUntilItLeaves) {
  Handle earlier = open();
  claim(earlier, "127.0.0.1:2055");
  ASSERT_TRUE(reaches(earlier, OFE_OVS_NETFLOW_ACTIVE));
  Handle later = open();
  claim(later, "127.0.0.1:2056");
  ASSERT_TRUE(reaches(later, OFE_OVS_NETFLOW_ACTIVE));
  ASSERT_TRUE(reaches(earlier, OFE_OVS_NETFLOW_FOREIGN)) << "they would write over each other without end";
  EXPECT_TRUE(reaches(later, OFE_OVS_NETFLOW_ACTIVE));
  EXPECT_EQ(ofe_ovs_db_netflow_release(earlier.get(), 10'000), 0);
  EXPECT_THAT(row(), HasSubstr("127.0.0.1:2056")) << "removed the row of the other";
  claim(earlier, "127.0.0.1:2057");
  ASSERT_TRUE(reaches(earlier, OFE_OVS_NETFLOW_ACTIVE));
  ASSERT_TRUE(reaches(later, OFE_OVS_NETFLOW_FOREIGN));
  EXPECT_EQ(ofe_ovs_db_netflow_release(earlier.get(), 10'000), 0);
  ASSERT_TRUE(reaches(later, OFE_OVS_NETFLOW_ACTIVE)) << "the place is free again";
  EXPECT_EQ(ofe_ovs_db_netflow_release(later.get(), 10'000), 0);
}

TEST_F(NetflowRow, OfSomebodyElseIsRespectedUntilItGoes) {
  add_foreign_row();
  const std::string foreign = column_of("brn");
  Handle db = open();
  claim(db, "127.0.0.1:2055");
  ASSERT_TRUE(reaches(db, OFE_OVS_NETFLOW_FOREIGN));
  EXPECT_EQ(column_of("brn"), foreign);
  testbed.vsctl({"clear", "bridge", "brn", "netflow"});
  ASSERT_TRUE(reaches(db, OFE_OVS_NETFLOW_ACTIVE));

  add_foreign_row();  // takes ours away
  ASSERT_TRUE(reaches(db, OFE_OVS_NETFLOW_FOREIGN));
  EXPECT_EQ(ofe_ovs_db_netflow_release(db.get(), 10'000), 0);
  EXPECT_THAT(row(), HasSubstr("127.0.0.1:9"));
}

TEST_F(NetflowRow, ComesBackWithItsBridge) {
  Handle db = open();
  claim(db, "127.0.0.1:2055");
  ASSERT_TRUE(reaches(db, OFE_OVS_NETFLOW_ACTIVE));
  testbed.vsctl({"clear", "bridge", "brn", "netflow"});
  const std::string none = "[]\n";
  ASSERT_TRUE(run_until(db.get(), [&] { return ofe_ovs_db_netflow_state(db.get()) != OFE_OVS_NETFLOW_ACTIVE; }));
  ASSERT_TRUE(reaches(db, OFE_OVS_NETFLOW_ACTIVE));
  EXPECT_NE(column_of("brn"), none);
  testbed.vsctl({"del-br", "brn"});
  ASSERT_TRUE(reaches(db, OFE_OVS_NETFLOW_PENDING));
  add_bridge("brn");
  ASSERT_TRUE(reaches(db, OFE_OVS_NETFLOW_ACTIVE));
  EXPECT_NE(column_of("brn"), none);
  EXPECT_EQ(ofe_ovs_db_netflow_release(db.get(), 10'000), 0);
}

TEST_F(NetflowRow, MovesWithTheClaim) {
  add_bridge("brm");
  Handle db = open();
  claim(db, "127.0.0.1:2055");
  ASSERT_TRUE(reaches(db, OFE_OVS_NETFLOW_ACTIVE));
  claim(db, "127.0.0.1:2060");
  ASSERT_TRUE(reaches(db, OFE_OVS_NETFLOW_ACTIVE));
  EXPECT_THAT(row(), HasSubstr("127.0.0.1:2060"));
  claim(db, "127.0.0.1:2061", "node-a", "brm");
  ASSERT_TRUE(reaches(db, OFE_OVS_NETFLOW_ACTIVE));
  EXPECT_EQ(column_of("brn"), "[]\n");
  EXPECT_EQ(row(), "127.0.0.1:2061\n2\novs-flow-exporter=node-a\n");

  claim(db, "127.0.0.1:2062", "node-a", "no-such-bridge");
  EXPECT_EQ(ofe_ovs_db_netflow_release(db.get(), 10'000), 0) << "released before the move was carried out";
  EXPECT_EQ(row(), "");
}

TEST_F(NetflowRow, RefusalIsReportedAndTriedAgain) {
  Handle db = open();
  claim(db, "127.0.0.1:2055", "node-a", "brn", -7);
  ASSERT_TRUE(reaches(db, OFE_OVS_NETFLOW_FAILED));
  EXPECT_THAT(ofe_ovs_db_netflow_error(db.get()), HasSubstr("constraint violation"));
  EXPECT_EQ(row(), "");
  claim(db, "127.0.0.1:2055");
  EXPECT_STREQ(ofe_ovs_db_netflow_error(db.get()), "");
  ASSERT_TRUE(reaches(db, OFE_OVS_NETFLOW_ACTIVE));
  EXPECT_EQ(ofe_ovs_db_netflow_release(db.get(), 10'000), 0);
}

TEST_F(NetflowRow, ReleaseEndsWhenTheDatabaseIsAway) {
  Handle never = {ofe_ovs_db_open("unix:/nonexistent/db.sock"), &ofe_ovs_db_close};
  claim(never, "127.0.0.1:2055");
  EXPECT_EQ(ofe_ovs_db_netflow_release(never.get(), 60'000), ENOTCONN);

  Handle db = open();
  claim(db, "127.0.0.1:2055");
  ASSERT_TRUE(reaches(db, OFE_OVS_NETFLOW_ACTIVE));
  testbed.stop_ovsdb_server();
  ASSERT_TRUE(run_until(db.get(), [&] { return !ofe_ovs_db_connected(db.get()); }));
  EXPECT_EQ(ofe_ovs_db_netflow_release(db.get(), 200), ETIMEDOUT);
  testbed.start_ovsdb_server();

  Handle next = open();
  claim(next, "127.0.0.1:2056");
  ASSERT_TRUE(reaches(next, OFE_OVS_NETFLOW_ACTIVE));
  EXPECT_EQ(ofe_ovs_db_netflow_release(next.get(), 10'000), 0);
  EXPECT_EQ(row(), "");
}

}  // namespace
}  // namespace ofe_test
