// The control client against the daemon it is made for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "ovs-plugin/exporter/entry_counts.h"
#include "ovs-plugin/exporter/vswitchd_client.h"
#include "tests/ovs-plugin/ovs/loopback.h"
#include "tests/ovs-plugin/ovs/testbed.h"

namespace ofe_test {
namespace {

using ::testing::HasSubstr;
using Progress = ofe::VswitchdClient::Progress;

class OvsVswitchd : public ::testing::Test {
 protected:
  void SetUp() override {
    start_library();
    testbed.vsctl({"add-br", "brv", "--", "set", "bridge", "brv", "datapath_type=netdev"});
  }
  void TearDown() override { testbed.vsctl({"del-br", "brv"}); }
  static flowstore::Now now() { return {ofe_ovs_monotonic_ms(), ofe_ovs_wall_ms()}; }
  Progress finish() {
    Progress progress;
    while ((progress = client.run(now())) == Progress::pending) {
      text += client.lines();
      client.wait();
      ofe_ovs_poll_block();
    }
    text += client.lines();
    return progress;
  }
  Progress ask(const std::vector<std::string>& words) {
    text.clear();
    return client.call(words, now()) ? finish() : Progress::failed;
  }
  Testbed& testbed = Testbed::get();
  ofe::VswitchdClient client{testbed.folder(), 20'000};
  std::string text;
};

TEST_F(OvsVswitchd, AnswersWhatTheExporterAsks) {
  EXPECT_EQ(ask({"version"}), Progress::answered);
  EXPECT_THAT(text, HasSubstr("ovs-vswitchd (Open vSwitch)"));
  EXPECT_EQ(ask({"dpctl/dump-flows", "-m", "netdev@ovs-netdev"}), Progress::answered) << client.stats().last_error;
  EXPECT_EQ(ask({"dpctl/dump-conntrack", "-m", "-s", "netdev@ovs-netdev", "zone=65520"}), Progress::answered)
      << client.stats().last_error;
  EXPECT_EQ(ask({"no/such-command"}), Progress::failed);
  EXPECT_THAT(client.stats().last_error, HasSubstr("not a valid command"));
}

TEST_F(OvsVswitchd, TellsHowMuchADumpWouldList) {
  EXPECT_EQ(ask({"upcall/show"}), Progress::answered);
  EXPECT_TRUE(ofe::megaflows_in(text, "netdev@ovs-netdev").has_value()) << text;
  EXPECT_EQ(ask({"dpctl/ct-get-nconns", "netdev@ovs-netdev"}), Progress::answered);
  EXPECT_EQ(ofe::connections_in(text), 0u) << text;
  EXPECT_EQ(ask({"dpctl/ct-stats-show", "netdev@ovs-netdev", "zone=65520"}), Progress::answered);
  EXPECT_EQ(ofe::zone_connections_in(text), 0u) << text;
}

TEST_F(OvsVswitchd, ItsDeathWhileAskedFailsTheQuestion) {
  EXPECT_EQ(ask({"version"}), Progress::answered);
  kill(testbed.vswitchd(), SIGSTOP);
  ASSERT_TRUE(client.call({"dpctl/dump-flows"}, now()));
  EXPECT_EQ(client.run(now()), Progress::pending);
  testbed.stop_vswitchd(SIGKILL);
  EXPECT_EQ(finish(), Progress::failed);
  EXPECT_EQ(client.stats().broken, 1u);

  EXPECT_FALSE(client.call({"version"}, now()));
  testbed.start_vswitchd();
  EXPECT_EQ(ask({"version"}), Progress::answered);
}

}  // namespace
}  // namespace ofe_test
