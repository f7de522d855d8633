#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "tests/ovs-plugin/ovs/loopback.h"

namespace ofe_test {
namespace {

using ::testing::HasSubstr;

constexpr size_t kBigReply = 5u << 20;

void reply_with_arguments(ofe_ovs_request* request, int argc, const char* const argv[], void* context) {
  std::string text = static_cast<const char*>(context);
  for (int i = 0; i < argc; ++i) text += std::string("|") + argv[i];
  ofe_ovs_reply(request, text.c_str());
}
void refuse(ofe_ovs_request* request, int, const char* const[], void*) {
  ofe_ovs_reply_error(request, "not today");
}
void reply_later(ofe_ovs_request* request, int, const char* const[], void* context) {
  *static_cast<ofe_ovs_request**>(context) = request;
}
void reply_at_length(ofe_ovs_request* request, int, const char* const[], void*) {
  ofe_ovs_reply(request, std::string(kBigReply, 'x').c_str());
}

ofe_ovs_request* postponed = nullptr;
char greeting[] = "hello";

class UnixctlClient : public ::testing::Test {
 protected:
  void SetUp() override {
    start_library();
    ofe_ovs_command_register("test/arguments", "[ARG]...", reply_with_arguments, greeting);
    ofe_ovs_command_register("test/refuse", "", refuse, nullptr);
    ofe_ovs_command_register("test/later", "", reply_later, &postponed);
    ofe_ovs_command_register("test/length", "", reply_at_length, nullptr);
    ASSERT_EQ(ofe_ovs_server_open(path.c_str(), &server), 0);
    ASSERT_EQ(ofe_ovs_rpc_open(path.c_str(), &rpc), 0);
  }
  void TearDown() override {
    ofe_ovs_rpc_close(rpc);
    ofe_ovs_server_close(server);
  }
  // Both ends, until the call is over. What it waits for is registered the way main() does it.
  ofe_ovs_rpc_state finish() {
    const std::int64_t deadline = ofe_ovs_monotonic_ms() + 20'000;
    while (ofe_ovs_monotonic_ms() < deadline) {
      if (server) ofe_ovs_server_run(server);
      const ofe_ovs_rpc_state state = ofe_ovs_rpc_run(rpc);
      ++turns;
      if (state != OFE_OVS_RPC_PENDING) return state;
      if (server) ofe_ovs_server_wait(server);
      ofe_ovs_rpc_wait(rpc);
      ofe_ovs_poll_timer_wait_until(deadline);
      ofe_ovs_poll_block();
    }
    return OFE_OVS_RPC_PENDING;
  }

  ScratchFolder folder;
  std::string path = folder.file("x.ctl");
  ofe_ovs_server* server = nullptr;
  ofe_ovs_rpc* rpc = nullptr;
  int turns = 0;
};

TEST_F(UnixctlClient, CallsOneAfterTheOtherOverOneConnection) {
  EXPECT_EQ(ofe_ovs_rpc_run(rpc), OFE_OVS_RPC_IDLE);
  ASSERT_EQ(call(rpc, "test/arguments", {"a b", "\"ü\""}), 0);
  EXPECT_EQ(call(rpc, "test/arguments"), EBUSY);
  EXPECT_EQ(finish(), OFE_OVS_RPC_REPLY);
  EXPECT_EQ(text_of(rpc), "hello|test/arguments|a b|\"ü\"\n");
  EXPECT_EQ(ofe_ovs_rpc_run(rpc), OFE_OVS_RPC_REPLY) << "an answer stands until the next call";

  ASSERT_EQ(call(rpc, "test/refuse"), 0);
  EXPECT_EQ(text_of(rpc), "");
  EXPECT_EQ(finish(), OFE_OVS_RPC_REFUSED);
  EXPECT_EQ(text_of(rpc), "not today\n");

  ASSERT_EQ(call(rpc, "no/such"), 0);
  EXPECT_EQ(finish(), OFE_OVS_RPC_REFUSED);
  EXPECT_THAT(text_of(rpc), HasSubstr("\"no/such\" is not a valid command"));

  ASSERT_EQ(call(rpc, "version"), 0);
  EXPECT_EQ(finish(), OFE_OVS_RPC_REPLY);
  EXPECT_THAT(text_of(rpc), HasSubstr("ofe-test"));
  EXPECT_THAT(text_of(rpc), HasSubstr(ofe_ovs_library_version()));
}

TEST_F(UnixctlClient, WaitsForAReplyThatComesLater) {
  ASSERT_EQ(call(rpc, "test/later"), 0);
  for (int i = 0; i < 5; ++i) {
    ofe_ovs_server_run(server);
    EXPECT_EQ(ofe_ovs_rpc_run(rpc), OFE_OVS_RPC_PENDING);
  }
  ASSERT_NE(postponed, nullptr);
  ofe_ovs_reply(postponed, "at last\n");
  EXPECT_EQ(finish(), OFE_OVS_RPC_REPLY);
  EXPECT_EQ(text_of(rpc), "at last\n");
}

TEST_F(UnixctlClient, ReadsALongReplyInPieces) {
  ASSERT_EQ(call(rpc, "test/length"), 0);
  EXPECT_EQ(finish(), OFE_OVS_RPC_REPLY);
  EXPECT_EQ(text_of(rpc), std::string(kBigReply, 'x') + "\n");
  EXPECT_GE(turns, 20) << "some 200 KiB per turn";
}

TEST_F(UnixctlClient, NoticesThatTheServerLeft) {
  ASSERT_EQ(call(rpc, "test/later"), 0);
  ofe_ovs_server_run(server);
  ofe_ovs_server_close(server);
  server = nullptr;
  EXPECT_EQ(finish(), OFE_OVS_RPC_CLOSED);
  EXPECT_NE(ofe_ovs_rpc_error(rpc), 0);
  EXPECT_EQ(call(rpc, "version"), ofe_ovs_rpc_error(rpc));
  EXPECT_EQ(text_of(rpc), "");
}

TEST_F(UnixctlClient, NoticesThatTheServerLeftWhileNothingWasAsked) {
  ofe_ovs_server_close(server);
  server = nullptr;
  EXPECT_EQ(ofe_ovs_rpc_run(rpc), OFE_OVS_RPC_CLOSED);
  EXPECT_STRNE(ofe_ovs_strerror(ofe_ovs_rpc_error(rpc)), "");
}

TEST(UnixctlClientOpen, FailsAtOnceWhereNobodyListens) {
  start_library();
  const ScratchFolder folder;
  ofe_ovs_rpc* rpc = nullptr;
  EXPECT_EQ(ofe_ovs_rpc_open(folder.file("none.ctl").c_str(), &rpc), ENOENT);
  EXPECT_EQ(rpc, nullptr);
}

// A peer that speaks, but not as a control server does.
class UnixctlClientHostile : public ::testing::Test {
 protected:
  void SetUp() override {
    start_library();
    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = folder.file("x.ctl");
    std::memcpy(address.sun_path, path.data(), path.size());
    ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(listen(listener, 1), 0);
    ASSERT_EQ(ofe_ovs_rpc_open(path.c_str(), &rpc), 0);
    peer = accept(listener, nullptr, nullptr);
  }
  void TearDown() override {
    ofe_ovs_rpc_close(rpc);
    close(peer);
    close(listener);
  }
  // The number the library gave the request.
  std::string request_id() {
    char request[4096] = {};
    EXPECT_GT(read(peer, request, sizeof request - 1), 0);
    const std::string text = request;
    const size_t at = text.find("\"id\":") + 5;
    return text.substr(at, text.find_first_of(",}", at) - at);
  }
  void say(const std::string& text) {
    ASSERT_EQ(write(peer, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  ScratchFolder folder;
  int listener = -1, peer = -1;
  ofe_ovs_rpc* rpc = nullptr;
};

TEST_F(UnixctlClientHostile, ClosesOnWhatIsNotJson) {
  ASSERT_EQ(call(rpc, "version"), 0);
  say("HTTP/1.1 400 Bad Request\r\n\r\n");
  EXPECT_EQ(ofe_ovs_rpc_run(rpc), OFE_OVS_RPC_CLOSED);
  EXPECT_EQ(ofe_ovs_rpc_error(rpc), EPROTO);
}

TEST_F(UnixctlClientHostile, ClosesOnAnAnswerThatIsNoString) {
  ASSERT_EQ(call(rpc, "version"), 0);
  say("{\"id\":" + request_id() + ",\"result\":[1,2],\"error\":null}");
  EXPECT_EQ(ofe_ovs_rpc_run(rpc), OFE_OVS_RPC_CLOSED);
  EXPECT_EQ(ofe_ovs_rpc_error(rpc), EPROTO);
}

TEST_F(UnixctlClientHostile, SkipsAnswersToWhatWasNotAsked) {
  ASSERT_EQ(call(rpc, "version"), 0);
  const std::string id = request_id();
  say(R"({"id":"other","result":"wrong","error":null})");
  say(R"({"method":"update","params":[],"id":null})");
  EXPECT_EQ(ofe_ovs_rpc_run(rpc), OFE_OVS_RPC_PENDING);
  EXPECT_EQ(ofe_ovs_rpc_run(rpc), OFE_OVS_RPC_PENDING);
  say("{\"id\":" + id + ",\"result\":\"right\",\"error\":null}");
  EXPECT_EQ(ofe_ovs_rpc_run(rpc), OFE_OVS_RPC_REPLY);
  EXPECT_EQ(text_of(rpc), "right");
}

}  // namespace
}  // namespace ofe_test
