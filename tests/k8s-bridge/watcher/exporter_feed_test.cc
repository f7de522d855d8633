#include "k8s-bridge/watcher/exporter_feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "proto/frame.h"
#include "tests/k8s-bridge/watcher/objects.h"

namespace ofe::watcher {
namespace {

namespace v1 = metadata::v1;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ExporterFeedTest : public ::testing::Test {
 protected:
  ExporterFeedTest() { state_.synced = state_.pods_of_all_nodes = state_.all_nodes_offered = true; }
  static v1::Hello hello(const std::string& node, v1::Scope scope) {
    v1::Hello hello;
    hello.set_protocol_version(1);
    hello.set_node_name(node);
    hello.set_scope(scope);
    return hello;
  }
  // What the feed says now, with so much room.
  std::vector<v1::Frame> frames(ExporterFeed& feed, std::size_t room = 1u << 30) {
    std::string out;
    more_ = feed.fill(out, room, state_, now_);
    metadata::FrameReader reader;
    reader.feed({out.data(), out.size()});
    std::vector<v1::Frame> frames;
    v1::Frame frame;
    while (reader.next(frame)) frames.push_back(frame);
    EXPECT_EQ(reader.error(), metadata::FrameError::none);
    return frames;
  }
  // Without the bridge's counters.
  static std::vector<std::string> words(const std::vector<v1::Frame>& frames) {
    std::vector<std::string> words;
    for (const v1::Frame& frame : frames) {
      if (frame.has_snapshot_begin()) words.emplace_back("begin");
      if (frame.has_snapshot_end()) words.emplace_back("end");
      if (frame.has_source_status()) words.emplace_back("status");
      for (const auto& pod : frame.update().pods()) words.push_back(pod.name());
      for (const auto& service : frame.update().services()) words.push_back(service.name());
      for (const auto& node : frame.update().nodes()) words.push_back(node.name());
      for (const auto& removal : frame.update().removals()) words.push_back("-" + removal.name());
    }
    return words;
  }

  ObjectStore store_;
  SourceState state_;
  Now now_{1'000, 1'700'000'000'000};
  bool more_ = false;
};

TEST_F(ExporterFeedTest, SnapshotThenChanges) {
  store_.put(make_pod("a", "node-a"), 0);
  store_.put(make_service("s"), 0);
  store_.put(make_node("node-a"), 0);
  ExporterFeed feed(hello("node-a", v1::SCOPE_LOCAL), store_);
  EXPECT_THAT(words(frames(feed)), ElementsAre("status", "begin", "a", "s", "node-a", "end"));
  EXPECT_FALSE(more_);
  EXPECT_THAT(words(frames(feed)), ElementsAre());
  store_.remove(Kind::pod, "uid-a", 0);
  store_.put(make_pod("b", "node-a"), 0);
  const auto changes = frames(feed);
  EXPECT_THAT(words(changes), ElementsAre("b", "-a"));
  const v1::Removal& removal = changes[0].update().removals(0);
  EXPECT_EQ(removal.kind(), v1::Removal::POD);
  EXPECT_EQ(removal.uid(), "uid-a");
  EXPECT_EQ(removal.namespace_(), "default");
}

TEST_F(ExporterFeedTest, LocalScopeIsPodsOfTheNodeAndEverythingElse) {
  store_.put(make_pod("here", "node-a"), 0);
  store_.put(make_pod("there", "node-b"), 0);
  store_.put(make_node("node-b"), 0);
  ExporterFeed local(hello("node-a", v1::SCOPE_LOCAL), store_), cluster(hello("node-a", v1::SCOPE_CLUSTER), store_);
  EXPECT_THAT(words(frames(local)), ElementsAre("status", "begin", "here", "node-b", "end"));
  EXPECT_THAT(words(frames(cluster)), ElementsAre("status", "begin", "here", "there", "node-b", "end"));
  store_.remove(Kind::pod, "uid-there", 0);
  EXPECT_THAT(words(frames(local)), ElementsAre());
  EXPECT_THAT(words(frames(cluster)), ElementsAre("-there"));
}

TEST_F(ExporterFeedTest, APodThatMovesAwayIsRemovedForItsOldNode) {
  store_.put(make_pod("a", "node-a"), 0);
  ExporterFeed old_node(hello("node-a", v1::SCOPE_LOCAL), store_), new_node(hello("node-b", v1::SCOPE_LOCAL), store_);
  frames(old_node);
  frames(new_node);
  store_.put(make_pod("a", "node-b"), 0);
  EXPECT_THAT(words(frames(old_node)), ElementsAre("-a"));
  EXPECT_THAT(words(frames(new_node)), ElementsAre("a"));
}

TEST_F(ExporterFeedTest, NoSnapshotBeforeTheSourceHasItsLists) {
  state_.synced = state_.pods_of_all_nodes = false;
  state_.detail = "pods: list: connection refused";
  ExporterFeed feed(hello("node-a", v1::SCOPE_LOCAL), store_);
  const auto first = frames(feed);
  ASSERT_THAT(words(first), ElementsAre("status"));
  EXPECT_FALSE(first[0].source_status().synced());
  EXPECT_EQ(first[0].source_status().detail(), "pods: list: connection refused");
  EXPECT_FALSE(feed.needs_removals_after());
  state_.synced = true;
  state_.detail.clear();
  EXPECT_THAT(words(frames(feed)), ElementsAre("status", "begin", "end"));
}

// Protobuf refuses a frame whose text is not UTF-8: an error page of a proxy's would cost every exporter its connection.
TEST_F(ExporterFeedTest, ADetailThatIsNoUtf8IsToldInAscii) {
  state_.synced = false;
  state_.detail = "HTTP 502: gr\xfc\xdf dich";
  ExporterFeed latin(hello("node-a", v1::SCOPE_LOCAL), store_);
  EXPECT_EQ(frames(latin).at(0).source_status().detail(), "HTTP 502: gr?? dich");
  state_.detail = "HTTP 502: gr\xc3\xbc\xc3\x9f dich";
  ExporterFeed utf8(hello("node-a", v1::SCOPE_LOCAL), store_);
  EXPECT_EQ(frames(utf8).at(0).source_status().detail(), state_.detail);
}

TEST_F(ExporterFeedTest, ClusterScopeWaitsForAllPodsWhereTheyAreOffered) {
  state_.pods_of_all_nodes = false;
  ExporterFeed local(hello("node-a", v1::SCOPE_LOCAL), store_), cluster(hello("node-a", v1::SCOPE_CLUSTER), store_);
  EXPECT_THAT(words(frames(local)), ElementsAre("status", "begin", "end"));
  EXPECT_THAT(words(frames(cluster)), ElementsAre("status"));
  state_.pods_of_all_nodes = true;
  EXPECT_THAT(words(frames(cluster)), ElementsAre("begin", "end"));
}

TEST_F(ExporterFeedTest, ClusterScopeThatIsNotOfferedIsServedLocallyAndSaysSo) {
  state_.pods_of_all_nodes = state_.all_nodes_offered = false;
  state_.pods_of_node = "node-a";
  ExporterFeed cluster(hello("node-a", v1::SCOPE_CLUSTER), store_);
  const auto first = frames(cluster);
  EXPECT_THAT(words(first), ElementsAre("status", "begin", "end"));
  EXPECT_EQ(first[0].source_status().detail(),
            "only Pods of Node node-a are served: k8s-bridge runs without --remote-pods");
  ExporterFeed stranger(hello("node-b", v1::SCOPE_LOCAL), store_);
  EXPECT_EQ(frames(stranger)[0].source_status().detail(),
            "Pods of Node node-a are known, the exporter is on Node node-b");
}

TEST_F(ExporterFeedTest, UpdatesAreCutIntoFrames) {
  for (int i = 0; i < 20'000; ++i)
    store_.put(make_pod("pod-with-a-rather-long-name-" + std::to_string(i), "node-a"), 0);
  ExporterFeed feed(hello("node-a", v1::SCOPE_LOCAL), store_);
  const auto all = frames(feed);
  int pods = 0;
  std::size_t updates = 0;
  for (const v1::Frame& frame : all) {
    EXPECT_LE(frame.ByteSizeLong(), max_update_octets);
    pods += frame.update().pods_size();
    updates += frame.has_update() ? 1 : 0;
  }
  EXPECT_EQ(pods, 20'000);
  EXPECT_GT(updates, 5u);
  EXPECT_EQ(updates, feed.frames());
}

TEST_F(ExporterFeedTest, ObjectsAtTheSizeLimitFitIntoOneFrameEach) {
  for (int i = 0; i < 3; ++i) {
    auto pod = make_pod(std::to_string(i), "node-a");
    pod.set_namespace_(std::string(StoreLimits{}.max_object_octets - 100, 'n'));
    ASSERT_TRUE(store_.put(pod, 0));
  }
  ExporterFeed feed(hello("node-a", v1::SCOPE_LOCAL), store_);
  EXPECT_THAT(words(frames(feed)), ElementsAre("status", "begin", "0", "1", "2", "end"));
}

TEST_F(ExporterFeedTest, ChangesDuringASnapshotFollowIt) {
  for (int i = 0; i < 5'000; ++i) store_.put(make_pod(std::to_string(i), "node-a"), 0);
  ExporterFeed feed(hello("node-a", v1::SCOPE_LOCAL), store_);
  auto first = words(frames(feed, 100));  // one Update more
  EXPECT_TRUE(more_);
  EXPECT_THAT(first, testing::Contains("0"));
  // One that was sent, one that was not.
  store_.remove(Kind::pod, "uid-0", 0);
  store_.remove(Kind::pod, "uid-4999", 0);
  ASSERT_TRUE(feed.needs_removals_after());
  EXPECT_EQ(*feed.needs_removals_after(), 5'000u);
  store_.forget_removals(*feed.needs_removals_after());
  const auto rest = words(frames(feed));
  const auto end = std::find(rest.begin(), rest.end(), "end");
  ASSERT_NE(end, rest.end());
  EXPECT_EQ(std::count(rest.begin(), rest.end(), "4999"), 0);
  EXPECT_THAT(std::vector<std::string>(end + 1, rest.end()), ElementsAre("-0", "-4999"));
}

TEST_F(ExporterFeedTest, LostWhenRemovalsItNeedsAreGone) {
  StoreLimits limits;
  limits.max_removals = 1;
  ObjectStore store(limits);
  for (const char* name : {"a", "b"}) store.put(make_pod(name, "node-a"), 0);
  ExporterFeed feed(hello("node-a", v1::SCOPE_LOCAL), store);
  frames(feed);
  store.remove(Kind::pod, "uid-a", 0);
  EXPECT_FALSE(feed.lost());
  store.remove(Kind::pod, "uid-b", 0);
  EXPECT_TRUE(feed.lost());
}

TEST_F(ExporterFeedTest, TimeOfTheLastChangeIsToldOnceInAWhile) {
  ExporterFeed feed(hello("node-a", v1::SCOPE_LOCAL), store_);
  frames(feed);
  EXPECT_FALSE(feed.next_deadline_ms());
  store_.put(make_node("n"), 77);
  EXPECT_THAT(words(frames(feed)), ElementsAre("n"));
  ASSERT_TRUE(feed.next_deadline_ms());
  now_.monotonic_ms = *feed.next_deadline_ms();
  const auto due = frames(feed);
  ASSERT_THAT(words(due), ElementsAre("status"));
  EXPECT_EQ(due[0].source_status().last_change_wall_ms(), 77);
  EXPECT_FALSE(feed.next_deadline_ms());
}

TEST_F(ExporterFeedTest, CountersAreToldAfterTheSnapshotAndThenOnceInAWhile) {
  const auto told = [](const std::vector<v1::Frame>& frames) {
    return std::ranges::count_if(frames, &v1::Frame::has_bridge_counters);
  };
  state_.synced = false;
  ExporterFeed feed(hello("node-a", v1::SCOPE_LOCAL), store_);
  EXPECT_EQ(told(frames(feed)), 0) << "nothing before the names";
  state_.synced = true;
  state_.counts.pods.lists = 1;
  state_.counts.exporters.strangers = 2;
  const auto first = frames(feed);
  ASSERT_EQ(told(first), 1);
  EXPECT_EQ(first.back().bridge_counters().pods().lists(), 1u);
  EXPECT_EQ(first.back().bridge_counters().exporters_strangers(), 2u);
  now_.monotonic_ms += 1'000;
  state_.counts.nodes.failures = 3;
  EXPECT_EQ(told(frames(feed)), 0);
  ASSERT_TRUE(feed.next_deadline_ms());
  EXPECT_EQ(*feed.next_deadline_ms(), now_.monotonic_ms - 1'000 + counters_interval_ms);
  now_.monotonic_ms = *feed.next_deadline_ms();
  const auto due = frames(feed);
  ASSERT_EQ(told(due), 1);
  EXPECT_EQ(due.back().bridge_counters().nodes().failures(), 3u);
  EXPECT_FALSE(feed.next_deadline_ms());
  now_.monotonic_ms += 2 * counters_interval_ms;
  EXPECT_EQ(told(frames(feed)), 0) << "nothing was counted";
}

TEST_F(ExporterFeedTest, CountersSayWhatTheStoreDidNotKeep) {
  ObjectStore narrow({.max_objects = 1});
  narrow.put(make_pod("a", "node-a"), 0);
  narrow.put(make_pod("b", "node-a"), 0);
  ExporterFeed feed(hello("node-a", v1::SCOPE_LOCAL), narrow);
  EXPECT_EQ(frames(feed).back().bridge_counters().objects_over_limit(), 1u);
}

}  // namespace
}  // namespace ofe::watcher
