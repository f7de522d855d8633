#include "ovs-plugin/exporter/vswitchd_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "tests/ovs-plugin/ovs/loopback.h"

namespace ofe {
namespace {

using ofe_test::ScratchFolder;
using ::testing::HasSubstr;
using Progress = VswitchdClient::Progress;

constexpr int long_lines = 100'000;

void reply_with_arguments(ofe_ovs_request* request, int argc, const char* const argv[], void*) {
  std::string text;
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
  std::string text;
  for (int i = 0; i < long_lines; ++i) text += "line " + std::to_string(i) + " of \"many\"\n";
  ofe_ovs_reply(request, text.c_str());
}

ofe_ovs_request* postponed = nullptr;

class VswitchdClientTest : public testing::Test {
 protected:
  VswitchdClientTest() {
    ofe_test::start_library();
    ofe_ovs_command_register("test/arguments", "[ARG]...", reply_with_arguments, nullptr);
    ofe_ovs_command_register("test/refuse", "", refuse, nullptr);
    ofe_ovs_command_register("test/later", "", reply_later, &postponed);
    ofe_ovs_command_register("test/length", "", reply_at_length, nullptr);
    open_server();
  }
  ~VswitchdClientTest() override { ofe_ovs_server_close(server_); }
  void open_server() { ASSERT_EQ(ofe_ovs_server_open(folder_.file("ovs-vswitchd.7.ctl").c_str(), &server_), 0); }
  void close_server() {
    ofe_ovs_server_close(server_);
    server_ = nullptr;
  }
  // Both ends, until the question is answered. What is waited for is registered the way main() does it.
  Progress finish() {
    const std::int64_t give_up_ms = ofe_ovs_monotonic_ms() + 20'000;
    while (ofe_ovs_monotonic_ms() < give_up_ms) {
      if (server_ != nullptr) ofe_ovs_server_run(server_);
      const Progress progress = client_.run(now_);
      text_ += client_.lines();
      longest_piece_ = std::max(longest_piece_, client_.lines().size());
      EXPECT_TRUE(progress != Progress::pending || client_.lines().empty() || client_.lines().back() == '\n');
      if (progress != Progress::pending) return progress;
      if (server_ != nullptr) ofe_ovs_server_wait(server_);
      client_.wait();
      ofe_ovs_poll_timer_wait_until(give_up_ms);
      ofe_ovs_poll_block();
    }
    return Progress::pending;
  }
  Progress ask(const std::vector<std::string>& words) {
    text_.clear();
    return client_.call(words, now_) ? finish() : Progress::failed;
  }

  ScratchFolder folder_;
  ofe_ovs_server* server_ = nullptr;
  VswitchdClient client_{folder_.path(), 30'000};
  flowstore::Now now_{1'000, 1'700'000'000'000};
  std::string text_;
  std::size_t longest_piece_ = 0;
};

TEST_F(VswitchdClientTest, AsksOneAfterTheOtherOverOneConnection) {
  EXPECT_EQ(client_.run(now_), Progress::idle);
  EXPECT_EQ(ask({"test/arguments", "a b", "\"ü\""}), Progress::answered);
  EXPECT_EQ(text_, "|test/arguments|a b|\"ü\"\n");
  EXPECT_EQ(client_.question(), "test/arguments a b \"ü\"");
  EXPECT_EQ(ask({"version"}), Progress::answered);
  EXPECT_THAT(text_, HasSubstr("ofe-test"));
  EXPECT_EQ(client_.stats().calls, 2u);
  EXPECT_EQ(client_.stats().answers, 2u);
  EXPECT_EQ(client_.stats().socket, folder_.file("ovs-vswitchd.7.ctl"));
  EXPECT_GT(client_.answer_octets(), text_.size());
}

TEST_F(VswitchdClientTest, ARefusedCommandIsNoBrokenConnection) {
  EXPECT_EQ(ask({"test/refuse"}), Progress::failed);
  EXPECT_TRUE(client_.refused());
  EXPECT_EQ(client_.stats().last_error, "test/refuse: ovs-vswitchd answered: not today");
  EXPECT_EQ(text_, "");
  EXPECT_EQ(ask({"no/such"}), Progress::failed);
  EXPECT_THAT(client_.stats().last_error, HasSubstr("\"no/such\" is not a valid command"));
  EXPECT_EQ(client_.stats().refused, 2u);
  EXPECT_EQ(client_.stats().broken, 0u);
  EXPECT_EQ(ask({"version"}), Progress::answered);
  EXPECT_EQ(client_.stats().last_error, "");
}

TEST_F(VswitchdClientTest, PassesALongAnswerOnInPieces) {
  EXPECT_EQ(ask({"test/length"}), Progress::answered);
  EXPECT_EQ(std::count(text_.begin(), text_.end(), '\n'), long_lines);
  EXPECT_THAT(text_, testing::StartsWith("line 0 of \"many\"\nline 1 of \"many\"\n"));
  EXPECT_THAT(text_, testing::EndsWith("line 99999 of \"many\"\n"));
  EXPECT_LT(longest_piece_, 300'000u);
}

TEST_F(VswitchdClientTest, KnowsWhenTheAnswerBegan) {
  ASSERT_TRUE(client_.call({"test/later"}, now_));
  for (int i = 0; i < 5; ++i) {
    now_.monotonic_ms += 100;
    ofe_ovs_server_run(server_);
    EXPECT_EQ(client_.run(now_), Progress::pending);
  }
  EXPECT_EQ(client_.times().first_octet_ms, -1);
  ASSERT_NE(postponed, nullptr);
  ofe_ovs_reply(postponed, "at last\n");
  EXPECT_EQ(finish(), Progress::answered);
  EXPECT_EQ(client_.times().asked_ms, 1'000);
  EXPECT_EQ(client_.times().first_octet_ms, 1'500);
  EXPECT_EQ(client_.times().ended_ms, 1'500);
}

TEST_F(VswitchdClientTest, GivesUpOnSilence) {
  ASSERT_TRUE(client_.call({"test/later"}, now_));
  ofe_ovs_server_run(server_);
  now_.monotonic_ms += 29'999;
  EXPECT_EQ(client_.run(now_), Progress::pending);
  now_.monotonic_ms += 1;
  EXPECT_EQ(client_.run(now_), Progress::failed);
  EXPECT_FALSE(client_.refused());
  EXPECT_EQ(client_.stats().timeouts, 1u);
  EXPECT_THAT(client_.stats().last_error, HasSubstr("test/later: nothing of an answer for 30 s"));
  ofe_ovs_reply(postponed, "too late\n");
  EXPECT_EQ(ask({"version"}), Progress::answered);
  EXPECT_THAT(text_, HasSubstr("ofe-test"));
}

TEST_F(VswitchdClientTest, AServerThatLeavesWhileAsked) {
  ASSERT_TRUE(client_.call({"test/later"}, now_));
  ofe_ovs_server_run(server_);
  close_server();
  EXPECT_EQ(finish(), Progress::failed);
  EXPECT_EQ(client_.stats().broken, 1u);
  EXPECT_NE(client_.stats().last_error, "");
  EXPECT_FALSE(client_.call({"version"}, now_));
  EXPECT_THAT(client_.stats().last_error, HasSubstr("is ovs-vswitchd running?"));
}

TEST_F(VswitchdClientTest, AServerThatWasRestartedMeanwhileIsFoundAgain) {
  EXPECT_EQ(ask({"version"}), Progress::answered);
  close_server();
  open_server();
  EXPECT_EQ(ask({"version"}), Progress::answered);
  EXPECT_EQ(client_.stats().broken, 0u);
}

TEST_F(VswitchdClientTest, AbandonDropsTheQuestion) {
  ASSERT_TRUE(client_.call({"test/later"}, now_));
  client_.abandon();
  EXPECT_EQ(client_.run(now_), Progress::idle);
  EXPECT_EQ(client_.stats().socket, "");
  EXPECT_EQ(ask({"version"}), Progress::answered);
}

// A peer that speaks, but not as a control server does.
class HostileVswitchd : public testing::Test {
 protected:
  HostileVswitchd() {
    ofe_test::start_library();
    listener_ = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = folder_.file("ovs-vswitchd.7.ctl");
    std::memcpy(address.sun_path, path.data(), path.size());
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_, 1), 0);
    EXPECT_TRUE(client_.call({"version"}, now_));
    peer_ = ::accept(listener_, nullptr, nullptr);
    char request[4096] = {};
    EXPECT_GT(::read(peer_, request, sizeof request - 1), 0);
    id_ = nlohmann::json::parse(request)["id"].dump();
  }
  ~HostileVswitchd() override {
    ::close(peer_);
    ::close(listener_);
  }
  void say(const std::string& text) {
    ASSERT_EQ(::write(peer_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  ScratchFolder folder_;
  VswitchdClient client_{folder_.path()};
  flowstore::Now now_{1'000, 1'700'000'000'000};
  std::string id_;
  int listener_ = -1, peer_ = -1;
};

TEST_F(HostileVswitchd, WhatIsNoAnswerIsNamed) {
  say("HTTP/1.1 400 Bad Request\r\n\r\n");
  EXPECT_EQ(client_.run(now_), Progress::failed);
  EXPECT_EQ(client_.stats().last_error, "version: no answer of a control socket: expected '{'");
  EXPECT_EQ(client_.stats().broken, 1u);
}

TEST_F(HostileVswitchd, AnAnswerToSomethingElseIsNone) {
  say(R"({"id":99,"result":"wrong","error":null})");
  EXPECT_EQ(client_.run(now_), Progress::failed);
}

TEST_F(HostileVswitchd, ALineWithoutEndIsGivenUp) {
  const std::string piece(100'000, 'x');
  say("{\"id\":" + id_ + ",\"result\":\"");
  for (int i = 0; i < 30 && client_.run(now_) == Progress::pending; ++i) say(piece);
  EXPECT_EQ(client_.run(now_), Progress::failed);
  EXPECT_THAT(client_.stats().last_error, HasSubstr("no list of lines"));
}

TEST_F(HostileVswitchd, AnAnswerBrokenOffIsAFailure) {
  say("{\"id\":" + id_ + ",\"result\":\"one\\ntwo\\nthr");
  EXPECT_EQ(client_.run(now_), Progress::pending);
  EXPECT_EQ(client_.lines(), "one\ntwo\n");
  ::shutdown(peer_, SHUT_RDWR);
  EXPECT_EQ(client_.run(now_), Progress::failed);
  EXPECT_EQ(client_.lines(), "");
}

}  // namespace
}  // namespace ofe
