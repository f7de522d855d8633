// A client that was connected before, and bridges that are older than it.
#include "client_fixture.h"
#include "tests/proto/recorded_frames.h"

namespace ofe::k8s::test {
namespace {

Frame snapshot_end_at(std::uint64_t epoch, std::uint64_t version) {
  Frame frame = snapshot_end();
  frame.mutable_snapshot_end()->set_epoch(epoch);
  frame.mutable_snapshot_end()->set_version(version);
  return frame;
}

Frame resumed() {
  Frame frame;
  frame.mutable_resumed();
  return frame;
}

TEST_F(ClientWithFakeBridge, AsksForWhatChangedSince) {
  connect();
  bridge_.send(snapshot_begin());
  bridge_.send(update(pod("a", {"10.10.0.1"}, 1000)));
  bridge_.send(snapshot_end_at(7, 20));
  Frame news = update(pod("b", {"10.10.0.2"}, 1000));
  news.mutable_update()->set_version(21);
  bridge_.send(news);
  run();
  bridge_.close();
  run();
  run_at_deadline();
  ASSERT_TRUE(bridge_.accept());
  const Frame hello = bridge_.receive().value();
  EXPECT_EQ(hello.hello().epoch(), 7u);
  EXPECT_EQ(hello.hello().version(), 21u);
  bridge_.send(resumed());
  bridge_.send(update(pod("c", {"10.10.0.3"}, 1000)));
  run();
  EXPECT_TRUE(client_.stats().synced);
  EXPECT_EQ(client_.stats().resumed, 1u);
  EXPECT_EQ(pod_now("10.10.0.1") + pod_now("10.10.0.2") + pod_now("10.10.0.3"), "abc");
}

TEST_F(ClientWithFakeBridge, ABridgeThatTellsNoVersionsIsNotAskedForThem) {
  connect();
  send_snapshot(pod("a", {"10.10.0.1"}, 1000));
  bridge_.close();
  run();
  run_at_deadline();
  ASSERT_TRUE(bridge_.accept());
  EXPECT_EQ(bridge_.receive().value().hello().epoch(), 0u);
  bridge_.send(resumed());
  expect_dropped_for("Resumed, which was not asked for");
}

// A bridge of version 1, from before it could be resumed.
TEST_F(ClientWithFakeBridge, UnderstandsTheFirstBridges) {
  connect();
  for (const auto& frame : metadata::test::recorded_frames(RECORDED_FRAMES "/version_1.txt")) {
    if (frame.by == "bridge") bridge_.send(frame.octets);
  }
  run();
  EXPECT_TRUE(client_.stats().connected && client_.stats().synced && client_.stats().source_synced);
  EXPECT_EQ(client_.stats().protocol_errors, 0u);
  EXPECT_EQ(client_.stats().stale_since_wall_ms, 0);
  EXPECT_EQ(directory_.stats().invalid, 0u);
  EXPECT_EQ(directory_.stats().pods, 1u);
  EXPECT_EQ(pod_now("10.20.1.11"), "web-1");
  EXPECT_EQ(pod_now("fd00:20:1::11"), "web-1");
  const Directory::ServiceMatch match = directory_.service_by_node_port(30080, 6);
  ASSERT_NE(match.service, nullptr);
  EXPECT_EQ(match.service->service_namespace + "/" + match.service->name + ":" + match.port->name, "shop/web:http");
  EXPECT_NE(directory_.node_named("node-a"), nullptr);
}

TEST_F(ClientWithFakeBridge, SaysSinceWhenItMayHaveMissedChanges) {
  const auto status = [&](bool synced, std::int64_t stale_since_ms) {
    Frame frame;
    frame.mutable_source_status()->set_synced(synced);
    frame.mutable_source_status()->set_stale_since_wall_ms(stale_since_ms);
    bridge_.send(frame);
  };
  connect();
  EXPECT_EQ(client_.stats().stale_since_wall_ms, 0) << "nothing was had yet";
  status(true, 0);
  send_snapshot(pod("a", {"10.10.0.1"}, 1000));
  EXPECT_EQ(client_.stats().stale_since_wall_ms, 0);
  status(true, 1234);
  run();
  EXPECT_EQ(client_.stats().stale_since_wall_ms, 1234) << "the bridge's own word";
  status(true, 0);
  run();
  EXPECT_EQ(client_.stats().stale_since_wall_ms, 0);
  bridge_.close();
  run();
  const std::int64_t lost_ms = wall_ms();
  EXPECT_EQ(client_.stats().stale_since_wall_ms, lost_ms);
  reconnect();
  run();
  EXPECT_EQ(client_.stats().stale_since_wall_ms, lost_ms) << "connected, but nothing was told yet";
  status(true, 0);
  send_snapshot(pod("a", {"10.10.0.1"}, 1000));
  EXPECT_EQ(client_.stats().stale_since_wall_ms, 0);
}

}  // namespace
}  // namespace ofe::k8s::test
