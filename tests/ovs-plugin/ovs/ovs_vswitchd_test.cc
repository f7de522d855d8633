// The control client against the daemon it is made for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>

#include "tests/ovs-plugin/ovs/loopback.h"
#include "tests/ovs-plugin/ovs/testbed.h"

namespace ofe_test {
namespace {

using ::testing::HasSubstr;

class OvsVswitchd : public ::testing::Test {
 protected:
  void SetUp() override {
    start_library();
    testbed.vsctl({"add-br", "brv", "--", "set", "bridge", "brv", "datapath_type=netdev"});
    ASSERT_EQ(ofe_ovs_rpc_open(testbed.control_socket().c_str(), &rpc), 0);
  }
  void TearDown() override {
    ofe_ovs_rpc_close(rpc);
    testbed.vsctl({"del-br", "brv"});
  }
  ofe_ovs_rpc_state finish() {
    const std::int64_t deadline = ofe_ovs_monotonic_ms() + 20'000;
    ofe_ovs_rpc_state state;
    while ((state = ofe_ovs_rpc_run(rpc)) == OFE_OVS_RPC_PENDING && ofe_ovs_monotonic_ms() < deadline) {
      ofe_ovs_rpc_wait(rpc);
      ofe_ovs_poll_timer_wait_until(deadline);
      ofe_ovs_poll_block();
    }
    return state;
  }
  Testbed& testbed = Testbed::get();
  ofe_ovs_rpc* rpc = nullptr;
};

TEST_F(OvsVswitchd, AnswersWhatTheExporterAsks) {
  ASSERT_EQ(call(rpc, "version"), 0);
  EXPECT_EQ(finish(), OFE_OVS_RPC_REPLY);
  EXPECT_THAT(text_of(rpc), HasSubstr("ovs-vswitchd (Open vSwitch)"));
  ASSERT_EQ(call(rpc, "dpctl/dump-flows", {"-m", "netdev@ovs-netdev"}), 0);
  EXPECT_EQ(finish(), OFE_OVS_RPC_REPLY) << text_of(rpc);
  ASSERT_EQ(call(rpc, "dpctl/dump-conntrack", {"-m", "-s", "zone=65520"}), 0);
  EXPECT_EQ(finish(), OFE_OVS_RPC_REPLY) << text_of(rpc);
  ASSERT_EQ(call(rpc, "dpif/show"), 0);
  EXPECT_EQ(finish(), OFE_OVS_RPC_REPLY);
  EXPECT_THAT(text_of(rpc), HasSubstr("brv"));
  ASSERT_EQ(call(rpc, "no/such-command"), 0);
  EXPECT_EQ(finish(), OFE_OVS_RPC_REFUSED);
  EXPECT_THAT(text_of(rpc), HasSubstr("not a valid command"));
}

TEST_F(OvsVswitchd, ItsDeathWhileAskedClosesTheCall) {
  kill(testbed.vswitchd(), SIGSTOP);
  ASSERT_EQ(call(rpc, "dpctl/dump-flows"), 0);
  EXPECT_EQ(ofe_ovs_rpc_run(rpc), OFE_OVS_RPC_PENDING);
  testbed.stop_vswitchd(SIGKILL);
  EXPECT_EQ(finish(), OFE_OVS_RPC_CLOSED);
  EXPECT_NE(ofe_ovs_rpc_error(rpc), 0);
  ofe_ovs_rpc_close(rpc);
  rpc = nullptr;

  ofe_ovs_rpc* early = nullptr;
  EXPECT_NE(ofe_ovs_rpc_open(testbed.control_socket().c_str(), &early), 0);
  testbed.start_vswitchd();
  ASSERT_EQ(ofe_ovs_rpc_open(testbed.control_socket().c_str(), &rpc), 0);
  ASSERT_EQ(call(rpc, "version"), 0);
  EXPECT_EQ(finish(), OFE_OVS_RPC_REPLY);
}

}  // namespace
}  // namespace ofe_test
