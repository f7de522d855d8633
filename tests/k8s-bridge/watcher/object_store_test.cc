#include "k8s-bridge/watcher/object_store.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "tests/k8s-bridge/watcher/objects.h"

namespace ofe::watcher {
namespace {

namespace v1 = metadata::v1;

TEST(ObjectStore, NewsThatAltersNothingIsNoChange) {
  ObjectStore store;
  EXPECT_TRUE(store.put(make_pod("a", "node-a"), 10));
  EXPECT_FALSE(store.put(make_pod("a", "node-a"), 20));
  EXPECT_EQ(store.last_change_wall_ms(), 10);
  EXPECT_EQ(store.stats().unchanged, 1u);
  auto pod = make_pod("a", "node-a");
  pod.set_phase(v1::Pod::RUNNING);
  EXPECT_TRUE(store.put(pod, 30));
  EXPECT_EQ(store.size(Kind::pod), 1u);
  EXPECT_EQ(store.version(), 2u);
}

TEST(ObjectStore, ReadersGetTheLastStateOnly) {
  ObjectStore store;
  store.put(make_service("s"), 0);
  store.put(make_pod("a", "node-a"), 0);
  auto changed = make_service("s");
  changed.set_type("NodePort");
  store.put(changed, 0);
  const auto* first = store.next_after(0);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(kind_of(first->object), Kind::pod);
  const auto* second = store.next_after(first->version);
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(std::get<v1::Service>(second->object).type(), "NodePort");
  EXPECT_EQ(store.next_after(second->version), nullptr);
}

TEST(ObjectStore, RetainRemovesWhatAListDoesNotName) {
  ObjectStore store;
  store.put(make_pod("a", "n"), 0);
  store.put(make_pod("b", "n"), 0);
  store.put(make_node("n"), 0);
  store.retain(Kind::pod, {"uid-b", "uid-never-seen"}, 5);
  EXPECT_EQ(store.size(Kind::pod), 1u);
  EXPECT_EQ(store.size(Kind::node), 1u);
  const auto* change = store.next_after(3);
  ASSERT_NE(change, nullptr);
  EXPECT_TRUE(change->removed);
  EXPECT_EQ(change->key, "uid-a");
}

TEST(ObjectStore, RemovedAndBackAgain) {
  ObjectStore store;
  EXPECT_FALSE(store.remove(Kind::pod, "uid-a", 0));
  store.put(make_pod("a", "n"), 0);
  EXPECT_TRUE(store.remove(Kind::pod, "uid-a", 0));
  EXPECT_FALSE(store.remove(Kind::pod, "uid-a", 0));
  EXPECT_TRUE(store.put(make_pod("a", "n"), 0)) << "the same as before its removal, yet a change";
  EXPECT_EQ(store.removals_kept(), 0u);
  ASSERT_NE(store.next_after(2), nullptr);
  EXPECT_FALSE(store.next_after(2)->removed);
}

TEST(ObjectStore, RemovalsAreKeptUntilForgotten) {
  ObjectStore store;
  for (const char* name : {"a", "b"}) store.put(make_pod(name, "n"), 0);
  store.remove(Kind::pod, "uid-a", 0);  // version 3
  store.remove(Kind::pod, "uid-b", 0);  // version 4
  EXPECT_FALSE(store.contains(Kind::pod, "uid-b"));
  store.forget_removals(3);
  EXPECT_EQ(store.removals_kept(), 1u);
  EXPECT_EQ(store.next_after(0)->key, "uid-b");
  EXPECT_EQ(store.complete_since(), 3u) << "a reader from before would miss it";
}

TEST(ObjectStore, RemovalsAreBounded) {
  StoreLimits limits;
  limits.max_removals = 2;
  ObjectStore store(limits);
  for (const char* name : {"a", "b", "c"}) store.put(make_pod(name, "n"), 0);
  for (const char* uid : {"uid-a", "uid-b", "uid-c"}) store.remove(Kind::pod, uid, 0);
  EXPECT_EQ(store.removals_kept(), 2u);
  EXPECT_EQ(store.stats().removals_dropped, 1u);
  EXPECT_EQ(store.complete_since(), 4u) << "a reader at version 3 has missed the removal of a";
}

TEST(ObjectStore, RefusesWhatIsTooLargeOrTooMuch) {
  StoreLimits limits;
  limits.max_objects = 2;
  limits.max_object_octets = 200;
  ObjectStore store(limits);
  EXPECT_FALSE(store.put(make_pod(std::string(300, 'x'), "n"), 0));
  EXPECT_EQ(store.stats().too_large, 1u);
  EXPECT_TRUE(store.put(make_pod("a", "n"), 0));
  EXPECT_TRUE(store.put(make_node("n"), 0));
  EXPECT_FALSE(store.put(make_pod("b", "n"), 0));
  EXPECT_EQ(store.stats().over_limit, 1u);
  EXPECT_TRUE(store.put(make_pod("a", "elsewhere"), 0)) << "one that is there may change";
}

// Random changes; a reader that follows at random moments must end up with what the store holds.
TEST(ObjectStore, AFollowerEndsUpWithTheSame) {
  const unsigned seed = 20240301;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  ObjectStore store;
  std::map<std::string, std::string> truth, followed;  // uid → node
  std::uint64_t position = 0;
  for (int step = 0; step < 20'000; ++step) {
    const std::string name = std::to_string(random() % 50);
    const std::string node = std::to_string(random() % 3);
    switch (random() % 4) {
      case 0:
        store.remove(Kind::pod, "uid-" + name, step);
        truth.erase("uid-" + name);
        break;
      case 1:
        while (const auto* entry = store.next_after(position)) {
          position = entry->version;
          if (entry->removed) {
            followed.erase(entry->key);
          } else {
            followed[entry->key] = std::get<v1::Pod>(entry->object).node_name();
          }
        }
        store.forget_removals(position);
        ASSERT_EQ(followed, truth) << "step " << step;
        break;
      default:
        store.put(make_pod(name, node), step);
        truth["uid-" + name] = node;
    }
  }
  EXPECT_EQ(store.size(Kind::pod), truth.size());
}

}  // namespace
}  // namespace ofe::watcher
