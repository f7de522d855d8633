// Exporters that were connected before, and those that are older than the bridge.
#include <gmock/gmock.h>

#include "tests/k8s-bridge/watcher/metadata_server_fixture.h"
#include "tests/proto/recorded_frames.h"

namespace ofe::watcher {
namespace {

namespace v1 = metadata::v1;
using ::testing::ElementsAre;

// An exporter that comes back is told what changed, removals included, and nothing else.
TEST_F(MetadataServerTest, GoesOnWhereAnExporterWas) {
  options_.resume_window_ms = 120'000;
  open();
  store_->put(make_pod("a", "node-a"), 0);
  store_->put(make_pod("b", "node-a"), 0);
  std::uint64_t version = 0;
  {
    TestExporter exporter(path_);
    exporter.hello("node-a", v1::SCOPE_LOCAL);
    settle(exporter);
    EXPECT_EQ(exporter.epoch, epoch);
    version = exporter.version;
    store_->put(make_pod("c", "node-a"), 0);
    settle(exporter);
    EXPECT_GT(exporter.version, version) << "updates tell theirs";
    version = exporter.version;
  }
  run();
  store_->remove(Kind::pod, "uid-a", 0);
  store_->put(make_pod("d", "node-a"), 0);
  now_.monotonic_ms += 100'000;
  TestExporter back(path_);
  back.hello("node-a", v1::SCOPE_LOCAL, epoch, version);
  settle(back);
  EXPECT_THAT(back.kinds, ElementsAre("status", "resumed", "update"));
  ASSERT_EQ(back.removals.size(), 1u);
  EXPECT_EQ(back.removals[0].uid(), "uid-a");
  EXPECT_EQ(back.pods.size(), 1u) << "d alone";
  EXPECT_EQ(server_->stats().resumed, 1u);
}

// An exporter of version 1, from before it could go on: it gets the kinds of frames it knows.
TEST_F(MetadataServerTest, ServesTheFirstExporters) {
  open();
  store_->put(make_pod("a", "node-a"), 0);
  TestExporter exporter(path_);
  for (const auto& frame : metadata::test::recorded_frames(RECORDED_FRAMES "/version_1.txt")) {
    if (frame.by == "exporter") exporter.send_bytes(frame.octets);
  }
  settle(exporter);
  store_->put(make_pod("b", "node-a"), 0);
  settle(exporter);
  store_->remove(Kind::pod, "uid-a", 0);
  settle(exporter);
  EXPECT_THAT(exporter.kinds, ElementsAre("status", "begin", "update", "end", "update", "update"));
  EXPECT_EQ(exporter.pods.size(), 1u);
  EXPECT_EQ(server_->stats().malformed, 0u);
}

TEST_F(MetadataServerTest, ASnapshotWhereThereIsNoGoingOn) {
  options_.resume_window_ms = 120'000;
  open();
  store_->put(make_pod("a", "node-a"), 0);
  const std::uint64_t version = store_->version();
  run();
  store_->remove(Kind::pod, "uid-a", 0);
  const auto answer_to = [&](std::uint64_t of_epoch, std::uint64_t of_version) {
    TestExporter exporter(path_);
    exporter.hello("node-a", v1::SCOPE_LOCAL, of_epoch, of_version);
    settle(exporter);
    return exporter.kinds.at(1);
  };
  EXPECT_EQ(answer_to(epoch, version), "resumed");
  EXPECT_EQ(answer_to(epoch + 1, version), "begin") << "of a bridge before this one";
  EXPECT_EQ(answer_to(epoch, store_->version() + 1), "begin") << "of the future";
  EXPECT_EQ(answer_to(0, 0), "begin");
  for (int part = 0; part <= 16; ++part) {
    now_.monotonic_ms += 15'000;
    run();
  }
  EXPECT_EQ(store_->removals_kept(), 0u);
  EXPECT_EQ(answer_to(epoch, version), "begin") << "the removal is forgotten";
}

}  // namespace
}  // namespace ofe::watcher
