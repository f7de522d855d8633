#include "k8s-bridge/watcher/metadata_server.h"

#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>

#include "tests/k8s-bridge/watcher/metadata_server_fixture.h"

namespace ofe::watcher {
namespace {

namespace v1 = metadata::v1;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST_F(MetadataServerTest, SocketIsMadeNarrowAndRemoved) {
  open();
  struct stat info {};
  ASSERT_EQ(lstat(path_.c_str(), &info), 0);
  EXPECT_TRUE(S_ISSOCK(info.st_mode));
  EXPECT_EQ(info.st_mode & 0777, 0660u);
  server_.reset();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(MetadataServerTest, LeftOverSocketIsReplacedAndALiveOneIsNot) {
  std::filesystem::create_directories(folder_.path("run"));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path_.copy(address.sun_path, sizeof address.sun_path - 1);
  const int left_over = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(bind(left_over, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  close(left_over);
  open();
  std::string error;
  EXPECT_EQ(MetadataServer::open({path_, "node-a", 32, {}}, error), nullptr);
  EXPECT_EQ(error, "another program serves " + path_);
  TestExporter exporter(path_);
  EXPECT_TRUE(exporter.connected()) << "the first one was left alone";
}

TEST_F(MetadataServerTest, AnythingElseAtThePathIsLeftAlone) {
  const std::string file = folder_.write("precious", "text");
  std::string error;
  EXPECT_EQ(MetadataServer::open({file, "node-a", 32, {}}, error), nullptr);
  EXPECT_THAT(error, HasSubstr("is not a socket"));
  EXPECT_TRUE(std::filesystem::is_regular_file(file));
  EXPECT_EQ(MetadataServer::open({file + "/x.sock", "node-a", 32, {}}, error), nullptr);
  EXPECT_THAT(error, HasSubstr("precious"));
  EXPECT_EQ(MetadataServer::open({folder_.path(std::string(200, 'x')), "node-a", 32, {}}, error), nullptr);
  EXPECT_THAT(error, HasSubstr("must have 1 to 107 characters"));
}

TEST_F(MetadataServerTest, ASuccessorsSocketSurvivesTheEndOfItsPredecessor) {
  open();
  std::filesystem::remove(path_);
  std::string error;
  const auto successor = MetadataServer::open({path_, "node-a", 32, {}}, error);
  ASSERT_NE(successor, nullptr) << error;
  server_.reset();
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(MetadataServerTest, SnapshotUpdateAndRemoval) {
  open();
  store_->put(make_pod("a", "node-a"), 0);
  store_->put(make_node("node-a"), 0);
  TestExporter exporter(path_);
  settle(exporter);
  EXPECT_THAT(exporter.kinds, ElementsAre()) << "the exporter speaks first";
  exporter.hello("node-a", v1::SCOPE_LOCAL);
  settle(exporter);
  EXPECT_THAT(exporter.kinds, ElementsAre("status", "begin", "update", "end"));
  EXPECT_TRUE(exporter.status.synced());
  EXPECT_EQ(exporter.pods.count("uid-a"), 1u);

  store_->put(make_service("web"), 0);
  settle(exporter);
  EXPECT_EQ(exporter.services.count("web"), 1u);

  store_->remove(Kind::pod, "uid-a", 0);
  store_->remove(Kind::service, "default/web", 0);
  EXPECT_EQ(store_->removals_kept(), 2u);
  settle(exporter);
  EXPECT_TRUE(exporter.pods.empty());
  EXPECT_TRUE(exporter.services.empty());
  EXPECT_EQ(exporter.nodes.size(), 1u);
  EXPECT_EQ(store_->removals_kept(), 0u) << "everyone has them";
}

// With a descriptor somebody handed on, or a socket whose mode was widened.
TEST_F(MetadataServerTest, StrangersAreRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can be another user";
  open();
  std::filesystem::permissions(path_, std::filesystem::perms::all);
  std::filesystem::permissions(folder_.path(""), std::filesystem::perms::all);
  std::filesystem::permissions(folder_.path("run"), std::filesystem::perms::all);
  constexpr uid_t nobody = 65534;
  const auto admitted = [&](gid_t group, std::vector<gid_t> more) {
    const pid_t child = fork();
    if (child == 0) {
      const bool other = setgroups(more.size(), more.data()) == 0 && setgid(group) == 0 && setuid(nobody) == 0;
      TestExporter exporter(path_);
      if (other && exporter.connected()) exporter.receive_within(300);
      _exit(!other || !exporter.connected() ? 2 : exporter.closed() ? 1 : 0);
    }
    int status = 0;
    while (waitpid(child, &status, WNOHANG) == 0) run();
    return WEXITSTATUS(status);
  };
  EXPECT_EQ(admitted(nobody, {}), 1);
  EXPECT_EQ(server_->stats().strangers, 1u);
  EXPECT_EQ(admitted(getegid(), {}), 0) << "of the socket's group";
  EXPECT_EQ(admitted(nobody, {100, getegid()}), 0) << "of it among others";
  EXPECT_EQ(server_->stats().strangers, 1u);
}

TEST_F(MetadataServerTest, TwoExportersWithTheirOwnScopes) {
  open();
  store_->put(make_pod("here", "node-a"), 0);
  store_->put(make_pod("there", "node-b"), 0);
  TestExporter local(path_), cluster(path_);
  local.hello("node-a", v1::SCOPE_LOCAL);
  run();
  EXPECT_FALSE(server_->wants_pods_of_all_nodes());
  cluster.hello("node-a", v1::SCOPE_CLUSTER);
  settle(local, cluster);
  EXPECT_TRUE(server_->wants_pods_of_all_nodes());
  EXPECT_EQ(local.pods.size(), 1u);
  EXPECT_EQ(cluster.pods.size(), 2u);
  EXPECT_EQ(server_->sessions(), 2u);
}

TEST_F(MetadataServerTest, AnExporterWithoutANodeNameIsTakenForOurOwn) {
  open();
  store_->put(make_pod("here", "node-a"), 0);
  TestExporter exporter(path_);
  exporter.hello("", v1::SCOPE_LOCAL);
  settle(exporter);
  EXPECT_EQ(exporter.pods.size(), 1u);
}

TEST_F(MetadataServerTest, WhoBreaksTheProtocolIsDroppedAndOthersStay) {
  open();
  TestExporter good(path_);
  good.hello("node-a", v1::SCOPE_LOCAL);
  settle(good);
  v1::Frame second_hello, from_bridge, no_version;
  second_hello.mutable_hello()->set_protocol_version(1);
  from_bridge.mutable_snapshot_end();
  no_version.mutable_hello()->set_node_name("x");
  std::string twice;
  metadata::append_frame(second_hello, twice);
  metadata::append_frame(second_hello, twice);
  std::string bridge_frame, unversioned;
  metadata::append_frame(from_bridge, bridge_frame);
  metadata::append_frame(no_version, unversioned);
  std::uint64_t dropped = 0;
  for (const std::string& bytes : {std::string("GET / HTTP/1.1\r\n\r\n"), std::string("\xff\xff\xff\xff", 4),
                                   std::string("\0\0\0\4\xff\xff\xff\xff", 8), twice, bridge_frame, unversioned}) {
    TestExporter garbage(path_);
    garbage.send_bytes(bytes);
    settle(garbage);
    EXPECT_TRUE(garbage.closed()) << testing::PrintToString(bytes);
    EXPECT_EQ(server_->stats().malformed, ++dropped);
  }
  store_->put(make_service("web"), 0);
  settle(good);
  EXPECT_EQ(good.services.size(), 1u);
  EXPECT_EQ(server_->sessions(), 1u);
}

TEST_F(MetadataServerTest, MessagesOfANewerExporterAreIgnored) {
  open();
  TestExporter exporter(path_);
  exporter.send_bytes(std::string("\0\0\0\4\xfa\x07\x01x", 8));  // field 127 of Frame, one octet long
  exporter.hello("node-a", v1::SCOPE_LOCAL);
  settle(exporter);
  EXPECT_EQ(exporter.snapshots, 1);
}

TEST_F(MetadataServerTest, WhoSaysNothingIsDroppedInTime) {
  open();
  TestExporter exporter(path_);
  run();
  ASSERT_TRUE(server_->next_deadline_ms(now_));
  EXPECT_EQ(*server_->next_deadline_ms(now_), now_.monotonic_ms + options_.session.hello_timeout_ms);
  now_.monotonic_ms += options_.session.hello_timeout_ms;
  settle(exporter);
  EXPECT_TRUE(exporter.closed());
  EXPECT_EQ(server_->stats().dropped, 1u);
}

TEST_F(MetadataServerTest, NoMoreExportersThanAllowed) {
  options_.max_sessions = 1;
  open();
  TestExporter first(path_), second(path_);
  settle(first, second);
  EXPECT_FALSE(first.closed());
  EXPECT_TRUE(second.closed());
  EXPECT_EQ(server_->stats().refused, 1u);
  first.hello("node-a", v1::SCOPE_LOCAL);
  settle(first);
  EXPECT_EQ(first.counters.exporters(), 1u);
  EXPECT_EQ(first.counters.exporters_accepted(), 1u);
  EXPECT_EQ(first.counters.exporters_refused(), 1u);
}

class SlowExporterTest : public MetadataServerTest {
 protected:
  void fill(int pods) {
    for (int i = 0; i < pods; ++i)
      store_->put(make_pod("pod-with-a-rather-long-name-" + std::to_string(i), "node-a"), 0);
  }
};

TEST_F(SlowExporterTest, ALargeSnapshotNeedsNoLargeBuffer) {
  open();
  fill(100'000);
  TestExporter slow(path_);
  slow.hello("node-a", v1::SCOPE_LOCAL);
  for (int turn = 0; turn < 20; ++turn) run();  // it reads nothing: what the socket and one buffer hold is sent
  const std::size_t held = store_->removals_kept();
  EXPECT_EQ(held, 0u);
  EXPECT_EQ(server_->sessions(), 1u);
  settle(slow);
  EXPECT_EQ(slow.snapshots, 1);
  EXPECT_EQ(slow.pods.size(), 100'000u);
  EXPECT_LE(slow.largest_frame_octets, max_update_octets);
}

TEST_F(SlowExporterTest, WhatItMissesIsNotQueued) {
  open();
  fill(20'000);
  TestExporter slow(path_);
  slow.hello("node-a", v1::SCOPE_LOCAL);
  settle(slow);
  const std::size_t before = slow.update_frames;
  for (int change = 1; change <= 50; ++change) {
    for (int i = 0; i < 1'000; ++i) {
      auto pod = make_pod("pod-with-a-rather-long-name-" + std::to_string(i), "node-a");
      pod.set_start_wall_ms(change);
      store_->put(pod, 0);
    }
    run();
  }
  settle(slow);
  EXPECT_EQ(slow.pods.at("uid-pod-with-a-rather-long-name-999").start_wall_ms(), 50);
  EXPECT_LT(slow.update_frames - before, 50u) << "changes it had no room for were merged";
}

TEST_F(SlowExporterTest, OneThatTakesNothingIsDroppedAndMayComeBack) {
  open();
  fill(20'000);
  TestExporter slow(path_), good(path_);
  slow.hello("node-a", v1::SCOPE_LOCAL);
  good.hello("node-a", v1::SCOPE_LOCAL);
  settle(good);
  EXPECT_EQ(good.snapshots, 1) << "nobody waits for the slow one";
  now_.monotonic_ms += options_.session.stall_timeout_ms - 1;
  run();
  EXPECT_EQ(server_->sessions(), 2u);
  now_.monotonic_ms += 1;
  run();
  EXPECT_EQ(server_->sessions(), 1u);
  EXPECT_EQ(server_->stats().dropped, 1u);
  TestExporter again(path_);
  again.hello("node-a", v1::SCOPE_LOCAL);
  settle(again);
  EXPECT_EQ(again.pods.size(), 20'000u);
}

TEST_F(SlowExporterTest, OneThatMissesTooManyRemovalsIsDropped) {
  StoreLimits limits;
  limits.max_removals = 100;
  open(limits);
  fill(20'000);
  TestExporter slow(path_);
  slow.hello("node-a", v1::SCOPE_LOCAL);
  run();
  for (int i = 0; i < 200; ++i) store_->remove(Kind::pod, "uid-pod-with-a-rather-long-name-" + std::to_string(i), 0);
  settle(slow);
  EXPECT_TRUE(slow.closed());
  EXPECT_EQ(server_->stats().dropped, 1u);
}

}  // namespace
}  // namespace ofe::watcher
