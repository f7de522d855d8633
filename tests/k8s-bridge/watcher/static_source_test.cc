#include "k8s-bridge/watcher/static_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <filesystem>
#include <string>

#include "tests/k8s-bridge/watcher/temporary_folder.h"

namespace ofe::watcher {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

const char* const one_pod = "{kind: Pod, metadata: {name: a}}\n";
const char* const two_pods = "{kind: Pod, metadata: {name: a}}\n---\n{kind: Pod, metadata: {name: b}}\n";

class StaticSourceTest : public ::testing::Test {
 protected:
  // The kernel's notices of what the test did are there when its system calls return; only our own wait is simulated.
  void turn(StaticSource& source) {
    source.run(now_);
    now_.monotonic_ms += settle_ms;
    source.run(now_);
  }

  TemporaryFolder folder_;
  ObjectStore store_;
  Now now_{10'000, 1'700'000'000'000};
};

TEST_F(StaticSourceTest, FollowsAnEditInPlace) {
  const std::string file = folder_.write("objects.yaml", one_pod);
  StaticSource source(file, store_);
  ASSERT_TRUE(source.load(now_)) << source.problem();
  EXPECT_TRUE(source.state().synced);
  EXPECT_TRUE(source.state().pods_of_all_nodes);
  EXPECT_EQ(store_.size(Kind::pod), 1u);
  folder_.write("objects.yaml", two_pods);
  pollfd wait{source.fd(), POLLIN, 0};
  EXPECT_EQ(poll(&wait, 1, 0), 1) << "the loop wakes";
  turn(source);
  EXPECT_EQ(store_.size(Kind::pod), 2u);
  folder_.write("objects.yaml", "");
  turn(source);
  EXPECT_EQ(store_.size(Kind::pod), 0u);
}

TEST_F(StaticSourceTest, FollowsARenameOverTheFile) {
  const std::string file = folder_.write("objects.yaml", one_pod);
  StaticSource source(file, store_);
  ASSERT_TRUE(source.load(now_));
  fs::rename(folder_.write("objects.yaml.new", two_pods), file);
  turn(source);
  EXPECT_EQ(store_.size(Kind::pod), 2u);
}

// As the kubelet replaces a mounted ConfigMap: file → ..data/file, ..data → a folder named for the time.
TEST_F(StaticSourceTest, FollowsASymlinkSwap) {
  fs::create_directory(folder_.path("..1"));
  fs::create_directory(folder_.path("..2"));
  folder_.write("..1/objects.yaml", one_pod);
  folder_.write("..2/objects.yaml", two_pods);
  fs::create_symlink("..1", folder_.path("..data"));
  fs::create_symlink("..data/objects.yaml", folder_.path("objects.yaml"));
  StaticSource source(folder_.path("objects.yaml"), store_);
  ASSERT_TRUE(source.load(now_)) << source.problem();
  EXPECT_EQ(store_.size(Kind::pod), 1u);
  fs::create_symlink("..2", folder_.path("..data_tmp"));
  fs::rename(folder_.path("..data_tmp"), folder_.path("..data"));
  fs::remove_all(folder_.path("..1"));
  turn(source);
  EXPECT_EQ(store_.size(Kind::pod), 2u);
  // And again, now that the folder watched first is gone.
  fs::create_directory(folder_.path("..3"));
  folder_.write("..3/objects.yaml", one_pod);
  fs::create_symlink("..3", folder_.path("..data_tmp"));
  fs::rename(folder_.path("..data_tmp"), folder_.path("..data"));
  turn(source);
  EXPECT_EQ(store_.size(Kind::pod), 1u);
}

TEST_F(StaticSourceTest, FollowsTheFileASymlinkLeadsTo) {
  fs::create_directory(folder_.path("elsewhere"));
  folder_.write("elsewhere/real.yaml", one_pod);
  fs::create_symlink("elsewhere/real.yaml", folder_.path("objects.yaml"));
  StaticSource source(folder_.path("objects.yaml"), store_);
  ASSERT_TRUE(source.load(now_));
  folder_.write("elsewhere/real.yaml", two_pods);
  turn(source);
  EXPECT_EQ(store_.size(Kind::pod), 2u);
}

TEST_F(StaticSourceTest, ABrokenEditIsReportedAndTheOldContentsStay) {
  const std::string file = folder_.write("objects.yaml", one_pod);
  StaticSource source(file, store_);
  ASSERT_TRUE(source.load(now_));
  folder_.write("objects.yaml", "kind: Pod\n  metadata: [\n");
  turn(source);
  EXPECT_EQ(store_.size(Kind::pod), 1u);
  EXPECT_TRUE(source.state().synced);
  EXPECT_THAT(source.state().detail, HasSubstr(file + ": line 2, column"));
  EXPECT_EQ(source.stats().failed_loads, 1u);
  folder_.write("objects.yaml", two_pods);
  turn(source);
  EXPECT_EQ(store_.size(Kind::pod), 2u);
  EXPECT_EQ(source.state().detail, "");
}

TEST_F(StaticSourceTest, ADeletedFileIsReportedAndTheOldContentsStay) {
  const std::string file = folder_.write("objects.yaml", one_pod);
  StaticSource source(file, store_);
  ASSERT_TRUE(source.load(now_));
  fs::remove(file);
  turn(source);
  EXPECT_EQ(store_.size(Kind::pod), 1u);
  EXPECT_THAT(source.state().detail, HasSubstr("cannot open"));
  folder_.write("objects.yaml", two_pods);
  turn(source);
  EXPECT_EQ(store_.size(Kind::pod), 2u);
}

TEST_F(StaticSourceTest, AFolderThatComesBackIsFollowedAgain) {
  fs::create_directory(folder_.path("etc"));
  const std::string file = folder_.write("etc/objects.yaml", one_pod);
  StaticSource source(file, store_);
  ASSERT_TRUE(source.load(now_));
  fs::remove_all(folder_.path("etc"));
  turn(source);
  EXPECT_THAT(source.state().detail, HasSubstr("cannot follow the folder"));
  ASSERT_TRUE(source.next_deadline_ms());
  fs::create_directory(folder_.path("etc"));
  folder_.write("etc/objects.yaml", two_pods);
  now_.monotonic_ms = *source.next_deadline_ms();
  turn(source);
  EXPECT_EQ(store_.size(Kind::pod), 2u);
  EXPECT_EQ(source.state().detail, "");
}

TEST_F(StaticSourceTest, OtherFilesOfTheFolderDoNotMatter) {
  StaticSource source(folder_.write("objects.yaml", one_pod), store_);
  ASSERT_TRUE(source.load(now_));
  folder_.write("other.yaml", "x");
  fs::create_symlink("other.yaml", folder_.path("link"));
  turn(source);
  EXPECT_EQ(source.stats().loads, 1u);
}

TEST_F(StaticSourceTest, ObjectsThatCannotBeUsedAreCounted) {
  StaticSource source(
      folder_.write("objects.yaml", "{kind: Pod, metadata: {}}\n---\n{kind: Secret, metadata: {name: x}}\n"), store_);
  ASSERT_TRUE(source.load(now_));
  EXPECT_EQ(source.stats().objects_skipped, 1u);
  EXPECT_EQ(source.stats().objects_ignored, 1u);
}

TEST_F(StaticSourceTest, WhatIsNoFileIsSaid) {
  StaticSource missing(folder_.path("missing.yaml"), store_);
  EXPECT_FALSE(missing.load(now_));
  EXPECT_THAT(missing.problem(), HasSubstr("missing.yaml: No such file"));
  EXPECT_FALSE(missing.state().synced);
  StaticSource directory(folder_.path("."), store_);
  EXPECT_FALSE(directory.load(now_));
  EXPECT_THAT(directory.problem(), HasSubstr("is not a file"));
}

}  // namespace
}  // namespace ofe::watcher
