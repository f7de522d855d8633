// Our control server, asked by the tool it is made for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/ovs-plugin/ovs/loopback.h"

namespace ofe_test {
namespace {

using ::testing::HasSubstr;

char prefix[] = "got";

void reply_with_arguments(ofe_ovs_request* request, int argc, const char* const argv[], void* context) {
  if (argc != 3) {
    ofe_ovs_reply_error(request, "two arguments, please");
    return;
  }
  ofe_ovs_reply(request, (std::string(static_cast<const char*>(context)) + " " + argv[1] + "," + argv[2]).c_str());
}

class OvsAppctl : public ::testing::Test {
 protected:
  void SetUp() override {
    start_library();
    ofe_ovs_command_register("flows/pair", "A B", reply_with_arguments, prefix);
    ASSERT_EQ(ofe_ovs_server_open(folder.file("x.ctl").c_str(), &server), 0);
  }
  void TearDown() override { ofe_ovs_server_close(server); }
  Finished appctl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"ovs-appctl", "-t", folder.file("x.ctl")});
    return run(arguments, {}, [&] { ofe_ovs_server_run(server); });
  }
  ScratchFolder folder;
  ofe_ovs_server* server = nullptr;
};

TEST_F(OvsAppctl, CallsCommandsOfOursAndOfTheLibrary) {
  const Finished listed = appctl({"list-commands"});
  EXPECT_EQ(listed.status, 0);
  EXPECT_THAT(listed.output, HasSubstr("flows/pair              A B"));
  EXPECT_THAT(listed.output, HasSubstr("vlog/set"));
  EXPECT_EQ(appctl({"flows/pair", "a", "b c"}).output, "got a,b c\n");
  EXPECT_EQ(appctl({"vlog/set", "flow_exporter:file:dbg"}).status, 0);
}

TEST_F(OvsAppctl, ShowsRefusals) {
  const Finished refused = appctl({"flows/pair", "a"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.output, HasSubstr("two arguments, please"));
}

}  // namespace
}  // namespace ofe_test
