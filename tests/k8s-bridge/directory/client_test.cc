// The client against a fake bridge that sends what no real one would. Time is what the test says it is.
#include "k8s-bridge/directory/client.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <random>

#include "client_fixture.h"

namespace ofe::k8s::test {
namespace {

TEST_F(ClientWithFakeBridge, SpeaksFirst) {
  bridge_.listen();
  run_at_deadline();
  ASSERT_TRUE(bridge_.accept());
  const Frame hello = bridge_.receive().value();
  ASSERT_EQ(hello.kind_case(), Frame::kHello);
  EXPECT_EQ(hello.hello().protocol_version(), 1u);
  EXPECT_EQ(hello.hello().node_name(), "worker");
  EXPECT_EQ(hello.hello().scope(), metadata::v1::SCOPE_LOCAL);
  EXPECT_FALSE(bridge_.receive().has_value());
  EXPECT_EQ(client_.stats().last_error, "");
  EXPECT_EQ(client_.events(), POLLIN);
  EXPECT_EQ(client_.next_deadline_ms(), std::nullopt);
}

TEST_F(ClientWithFakeBridge, AsksForTheClusterWhenTold) {
  bridge_.listen();
  Client other({.socket_path = bridge_.path(), .node_name = "worker", .cluster_scope = true}, directory_);
  other.run(0, 0);
  ASSERT_TRUE(bridge_.accept());
  EXPECT_EQ(bridge_.receive().value().hello().scope(), metadata::v1::SCOPE_CLUSTER);
}

TEST_F(ClientWithFakeBridge, FeedsTheDirectory) {
  connect();
  send_snapshot(pod("a", {"10.10.0.1"}, 1000));
  EXPECT_TRUE(client_.stats().synced);
  EXPECT_TRUE(directory_.has_snapshot());
  EXPECT_EQ(client_.stats().frames, 3u);
  EXPECT_EQ(client_.stats().last_message_wall_ms, wall_ms());
  bridge_.send(update(pod("b", {"10.10.0.2"}, 1000)));
  run();
  EXPECT_EQ(pod_now("10.10.0.1"), "a");
  EXPECT_EQ(pod_now("10.10.0.2"), "b");
}

TEST_F(ClientWithFakeBridge, ShowsWhatTheBridgeSaysOfItsSource) {
  connect();
  Frame status;
  status.mutable_source_status()->set_synced(true);
  status.mutable_source_status()->set_detail("pods: forbidden");
  bridge_.send(status);
  run();
  EXPECT_TRUE(client_.stats().source_synced);
  EXPECT_EQ(client_.stats().source_detail, "pods: forbidden");
  bridge_.close();
  run();
  EXPECT_FALSE(client_.stats().source_synced);
  EXPECT_EQ(client_.stats().source_detail, "");
}

TEST_F(ClientWithFakeBridge, KeepsWhatTheBridgeCounted) {
  connect();
  send_snapshot();
  EXPECT_FALSE(client_.stats().bridge) << "an older bridge does not say";
  Frame counters;
  counters.mutable_bridge_counters()->mutable_pods()->set_expired(7);
  bridge_.send(counters);
  run();
  ASSERT_TRUE(client_.stats().bridge);
  EXPECT_EQ(client_.stats().bridge->pods().expired(), 7u);
  bridge_.close();
  run();
  EXPECT_TRUE(client_.stats().bridge) << "also while it is away";
}

TEST_F(ClientWithFakeBridge, AnAbsentSocketIsAnOrdinaryFailure) {
  run_at_deadline();
  EXPECT_EQ(client_.stats().last_error, "connect " + bridge_.path() + ": No such file or directory");
  EXPECT_EQ(client_.stats().connect_failures, 1u);
  EXPECT_EQ(client_.fd(), -1);
  EXPECT_EQ(client_.events(), 0);
}

TEST_F(ClientWithFakeBridge, APathTooLongForASocketIsAnOrdinaryFailure) {
  const std::string path(200, 'p');
  Client other({.socket_path = path, .node_name = "worker"}, directory_);
  other.run(0, 0);
  EXPECT_EQ(other.stats().last_error, "connect " + path + ": File name too long");
}

TEST_F(ClientWithFakeBridge, AFullBacklogIsAnOrdinaryFailure) {
  bridge_.listen(0);
  Client first({.socket_path = bridge_.path(), .node_name = "worker"}, directory_);
  first.run(0, 0);
  run_at_deadline();
  EXPECT_EQ(client_.stats().last_error, "connect " + bridge_.path() + ": Resource temporarily unavailable");
  ASSERT_TRUE(bridge_.accept());
  run_at_deadline();
  EXPECT_TRUE(client_.stats().connected);
}

TEST_F(ClientWithFakeBridge, WaitsTwiceAsLongEachTimeUpToItsLimit) {
  std::vector<std::int64_t> waits;
  for (int i = 0; i < 5; ++i) {
    run_at_deadline();
    waits.push_back(client_.next_deadline_ms().value() - now_ms_);
    now_ms_ += 1;
    run();  // before its time: nothing
  }
  EXPECT_EQ(waits, (std::vector<std::int64_t>{500, 1000, 2000, 3000, 3000}));
  EXPECT_EQ(client_.stats().connect_failures, 5u);
}

TEST_F(ClientWithFakeBridge, AWholeSnapshotStartsTheWaitsAnew) {
  for (int i = 0; i < 4; ++i) run_at_deadline();
  connect();
  bridge_.close();
  run();
  EXPECT_EQ(client_.next_deadline_ms(), now_ms_ + 3000) << "a connection alone is no success";
  reconnect();
  send_snapshot();
  bridge_.close();
  run();
  EXPECT_EQ(client_.next_deadline_ms(), now_ms_ + 500);
  EXPECT_EQ(client_.stats().last_error, "read " + bridge_.path() + ": closed by the bridge");
}

TEST_F(ClientWithFakeBridge, ASecondSnapshotDropsThePodThatVanishedMeanwhile) {
  connect();
  send_snapshot(pod("a", {"10.10.0.1"}, 1000), pod("b", {"10.10.0.2"}, 1000));
  bridge_.close();
  run();
  EXPECT_EQ(pod_now("10.10.0.2"), "b") << "names known before stay in use";
  reconnect();
  EXPECT_EQ(pod_now("10.10.0.2"), "b");
  send_snapshot(pod("a", {"10.10.0.1"}, 1000));
  EXPECT_EQ(pod_now("10.10.0.1"), "a");
  EXPECT_EQ(pod_now("10.10.0.2"), "-");
  EXPECT_EQ(client_.stats().connects, 2u);
}

TEST_F(ClientWithFakeBridge, ACloseInTheMiddleOfASnapshotRemovesNothing) {
  connect();
  send_snapshot(pod("a", {"10.10.0.1"}, 1000));
  bridge_.close();
  run();
  reconnect();
  bridge_.send(snapshot_begin());
  bridge_.send(update(pod("b", {"10.10.0.2"}, 1000)));
  bridge_.close();
  run();
  EXPECT_FALSE(client_.stats().connected);
  EXPECT_EQ(client_.stats().protocol_errors, 0u);
  EXPECT_EQ(pod_now("10.10.0.1"), "a");
  EXPECT_EQ(pod_now("10.10.0.2"), "b");
  reconnect();
  send_snapshot(pod("b", {"10.10.0.2"}, 1000));
  EXPECT_EQ(pod_now("10.10.0.1"), "-");
  EXPECT_EQ(pod_now("10.10.0.2"), "b");
}

TEST_F(ClientWithFakeBridge, APartialFrameOfALostConnectionIsForgotten) {
  connect();
  bridge_.send(std::string("\0\0\0", 3));
  run();
  bridge_.close();
  run();
  reconnect();
  send_snapshot(pod("a", {"10.10.0.1"}, 1000));
  EXPECT_TRUE(client_.stats().synced);
}

TEST_F(ClientWithFakeBridge, DropsAPeerThatAnnouncesAHugeFrame) {
  connect();
  bridge_.send(std::string("\x7f\xff\xff\xff", 4));
  expect_dropped_for("frame longer than the limit");
}

TEST_F(ClientWithFakeBridge, DropsAPeerThatSendsNoMessage) {
  connect();
  bridge_.send(std::string("\0\0\0\x04", 4) + "\x12\xff\xff\xff");
  expect_dropped_for("malformed frame");
}

TEST_F(ClientWithFakeBridge, DropsAPeerThatSaysHello) {
  connect();
  Frame hello;
  hello.mutable_hello();
  bridge_.send(hello);
  expect_dropped_for("a Hello from the bridge");
}

TEST_F(ClientWithFakeBridge, DropsAnUpdateBeforeTheSnapshot) {
  connect();
  bridge_.send(update(pod("a", {"10.10.0.1"}, 1000)));
  expect_dropped_for("Update before the snapshot");
  EXPECT_EQ(pod_now("10.10.0.1"), "-");
}

TEST_F(ClientWithFakeBridge, DropsAnEndWithoutABeginning) {
  connect();
  bridge_.send(snapshot_end());
  expect_dropped_for("SnapshotEnd without SnapshotBegin");
  EXPECT_FALSE(directory_.has_snapshot());
}

TEST_F(ClientWithFakeBridge, DropsASnapshotInsideASnapshot) {
  connect();
  bridge_.send(snapshot_begin());
  bridge_.send(snapshot_begin());
  expect_dropped_for("SnapshotBegin inside a snapshot");
}

TEST_F(ClientWithFakeBridge, IgnoresAKindOfFrameThatIsNotKnown) {
  connect();
  bridge_.send(std::string("\0\0\0\x05\x9a\x06\x02hi", 9));  // field 99, two octets
  send_snapshot(pod("a", {"10.10.0.1"}, 1000));
  EXPECT_EQ(client_.stats().frames, 4u);
  EXPECT_EQ(pod_now("10.10.0.1"), "a");
}

TEST_F(ClientWithFakeBridge, WritesAHelloInPiecesWhenTheSocketIsFull) {
  bridge_.listen();
  const std::string long_name(900'000, 'n');  // more than a socket's buffer
  Client other({.socket_path = bridge_.path(), .node_name = long_name}, directory_);
  other.run(0, 0);
  ASSERT_TRUE(bridge_.accept());
  EXPECT_EQ(other.events(), POLLIN | POLLOUT);
  std::optional<Frame> hello;
  for (int turn = 0; turn < 100 && !hello; ++turn) {
    hello = bridge_.receive();
    other.run(turn, 0);
  }
  ASSERT_TRUE(hello.has_value());
  EXPECT_EQ(hello->hello().node_name(), long_name);
  EXPECT_EQ(other.events(), POLLIN);
}

TEST_F(ClientWithFakeBridge, ReadsABoundedAmountAtATime) {
  bridge_.listen();
  Client other({.socket_path = bridge_.path(), .node_name = "worker", .read_octets_per_run = 64u << 10}, directory_);
  other.run(0, 0);
  ASSERT_TRUE(bridge_.accept());
  bridge_.send(snapshot_begin());
  for (int i = 0; i < 10; ++i) {
    auto message = pod("pod-" + std::to_string(i), {}, 1000);
    message.set_node_name(std::string(12'000, 'n'));
    bridge_.send(update(message));
  }
  bridge_.send(snapshot_end());
  other.run(70, 0);
  EXPECT_EQ(other.next_deadline_ms(), 70);
  EXPECT_FALSE(other.stats().synced);
  EXPECT_EQ(directory_.stats().pods, 5u);  // whole ones among the first 65,536 octets
  other.run(71, 0);
  EXPECT_TRUE(other.stats().synced);
  EXPECT_EQ(other.next_deadline_ms(), std::nullopt);
}

// Whatever a peer sends, the client neither breaks nor believes it, and comes back for a good snapshot.
TEST_F(ClientWithFakeBridge, StandsGarbage) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  RecordProperty("seed", std::to_string(seed));
  std::mt19937 random(seed);
  connect();
  send_snapshot(pod("a", {"10.10.0.1"}, 1000));
  for (int round = 0; round < 200; ++round) {
    std::string garbage(8 + random() % 2000, '\0');
    for (char& octet : garbage) octet = static_cast<char>(random());
    garbage[0] = static_cast<char>(1 + random() % 255);  // a length over the limit, whatever follows
    bridge_.send(garbage);
    run();
    ASSERT_FALSE(client_.stats().connected);
    EXPECT_EQ(pod_now("10.10.0.1"), "a");
    reconnect();
  }
  EXPECT_EQ(client_.stats().protocol_errors, 200u);
  send_snapshot(pod("b", {"10.10.0.2"}, 1000));
  EXPECT_EQ(pod_now("10.10.0.1"), "-");
  EXPECT_EQ(pod_now("10.10.0.2"), "b");
}

// A good stream with octets changed anywhere: frames may still parse and say anything. Afterwards a good snapshot is
// all there is.
TEST_F(ClientWithFakeBridge, StandsDamagedFrames) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  RecordProperty("seed", std::to_string(seed));
  std::mt19937 random(seed);
  const google::protobuf::LogSilencer one_line_per_bad_string;
  std::string good;
  metadata::append_frame(snapshot_begin(), good);
  metadata::append_frame(
      update(pod("a", {"10.10.0.1", "fd00::1"}, 1000), pod("b", {"10.10.0.2"}, 1000),
             with_port(service("web", {"10.96.0.1"}), 80, tcp, "http"),
             with_cidr(node("n", {"192.0.2.1"}), "10.10.0.0", 24), removal(metadata::v1::Removal::POD, "a", "uid-a")),
      good);
  metadata::append_frame(snapshot_end(), good);
  connect();
  for (int round = 0; round < 1000; ++round) {
    std::string damaged = good;
    for (std::uint32_t i = 1 + random() % 3; i > 0; --i) damaged[random() % good.size()] = static_cast<char>(random());
    bridge_.send(damaged);
    run();
    bridge_.close();
    run();
    ASSERT_FALSE(client_.stats().connected);
    reconnect();
  }
  EXPECT_GT(client_.stats().protocol_errors, 100u);
  EXPECT_GT(directory_.stats().snapshots, 100u);
  bridge_.send(good);
  run();
  EXPECT_EQ(directory_.stats().pods, 2u);
  EXPECT_EQ(directory_.stats().services, 1u);
  EXPECT_EQ(directory_.stats().nodes, 1u);
  EXPECT_EQ(service_name(directory_, "10.96.0.1", 80, tcp), "web:http");
  EXPECT_EQ(name_of(directory_.node_of_pod_address(address("10.10.0.1"))), "n");
}

}  // namespace
}  // namespace ofe::k8s::test
