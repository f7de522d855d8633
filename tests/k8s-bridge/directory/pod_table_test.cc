#include <gtest/gtest.h>

#include "metadata_messages.h"

namespace ofe::k8s::test {
namespace {

using metadata::v1::Removal;

constexpr const char* ip = "10.10.0.5";

class Pods : public testing::Test {
 protected:
  template <typename... Messages>
  void apply(std::int64_t wall_ms, const Messages&... messages) {
    directory_.apply(update_of(messages...), wall_ms);
  }
  std::string at(std::int64_t wall_ms, const std::string& text = ip) const {
    return pod_name(directory_, text, wall_ms);
  }

  Directory directory_{{.keep_removed_pods_ms = 10'000, .max_removed_pods = 3, .max_objects = 100}};
};

TEST_F(Pods, AreFoundByEachOfTheirAddresses) {
  apply(2000, pod("a", {ip, "fd00::5"}, 1000));
  const Pod* found = directory_.pod(address("fd00::5"), 2000);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found, directory_.pod(address(ip), 2000));
  EXPECT_EQ(found->pod_namespace, "default");
  EXPECT_EQ(found->node_name, "worker");
  EXPECT_EQ(found->removed_wall_ms, 0);
  EXPECT_EQ(at(2000, "10.10.0.6"), "-");
}

TEST_F(Pods, AFlowThatBeganSlightlyBeforeThePodsRecordedStartIsItsOwn) {
  apply(2000, pod("a", {ip}, 1000));
  EXPECT_EQ(at(900), "a");
}

TEST_F(Pods, AnUnknownStartIsAlways) {
  apply(2000, pod("a", {ip}, 0));
  EXPECT_EQ(at(1), "a");
  EXPECT_EQ(at(3000), "a");
}

TEST_F(Pods, WhenAnAddressIsReusedFlowsOfBothTimesAreNamedRight) {
  apply(1000, pod("old", {ip}, 1000));
  apply(5000, removal(Removal::POD, "old", "uid-old"));
  apply(6000, pod("new", {ip}, 5500));
  EXPECT_EQ(at(1500), "old");
  EXPECT_EQ(at(4999), "old");
  EXPECT_EQ(at(5200), "new");  // nobody had it: the next to get it
  EXPECT_EQ(at(5500), "new");
  EXPECT_EQ(at(9000), "new");
  EXPECT_EQ(directory_.pod(address(ip), 1500)->removed_wall_ms, 5000);
}

TEST_F(Pods, TheSuccessorHasAnAddressFromItsStartThoughTheRemovalIsReportedLater) {
  apply(1000, pod("old", {ip}, 1000));
  apply(4000, pod("new", {ip}, 3500));
  EXPECT_EQ(at(3400), "old");
  EXPECT_EQ(at(3500), "new");
  apply(8000, removal(Removal::POD, "old", "uid-old"));
  EXPECT_EQ(at(3400), "old");
  EXPECT_EQ(at(3500), "new");
}

TEST_F(Pods, APodThatWaitedForItsAddressHasItFromTheNewsOn) {
  apply(1000, pod("old", {ip}, 1000));
  apply(2000, pod("waiting", {}, 2000));
  apply(6000, removal(Removal::POD, "old", "uid-old"));
  apply(6500, pod("waiting", {ip}, 2000));
  EXPECT_EQ(at(3000), "old");  // although the other had started by then
  EXPECT_EQ(at(6200), "waiting");
  EXPECT_EQ(at(7000), "waiting");
}

TEST_F(Pods, AChangeFoundInASnapshotMayBeAsOldAsThePod) {
  apply(1000, pod("waiting", {}, 2000));
  directory_.begin_snapshot();
  apply(9000, pod("waiting", {ip}, 2000));
  directory_.end_snapshot(9000);
  apply(9100, pod("other", {ip}, 500));
  EXPECT_EQ(at(1000), "other");
  EXPECT_EQ(at(2000), "waiting");
}

TEST_F(Pods, AreNoLongerFoundAtTimesAfterTheirRemoval) {
  apply(1000, pod("a", {ip}, 1000));
  apply(5000, removal(Removal::POD, "a", "uid-a"));
  EXPECT_EQ(at(4999), "a");
  EXPECT_EQ(at(5000), "-");
  EXPECT_EQ(directory_.stats().pods, 0u);
  EXPECT_EQ(directory_.stats().removed_pods_kept, 1u);
}

TEST_F(Pods, TheDeletionTimestampEndsAHoldWhoseRemovalIsReportedLate) {
  auto old = pod("old", {ip}, 1000);
  apply(1000, old);
  old.set_deleted_wall_ms(3000);
  apply(2500, old);
  apply(3600, pod("other", {"10.10.0.9"}, 1000));
  apply(8000, removal(Removal::POD, "old", "uid-old"));
  EXPECT_EQ(at(2999), "old");
  EXPECT_EQ(at(4000), "old");  // still listed, and nobody else had it
  EXPECT_EQ(at(8000), "-");
  apply(8000, pod("new", {ip}, 4500));
  EXPECT_EQ(at(4000), "new");
  EXPECT_EQ(at(2999), "old");
}

TEST_F(Pods, OnTheHostsNetworkNeverClaim) {
  auto agent = pod("agent", {ip}, 1000);
  agent.set_host_network(true);
  apply(1000, agent);
  EXPECT_EQ(at(2000), "-");
  EXPECT_EQ(directory_.stats().pods, 1u);
  apply(3000, removal(Removal::POD, "agent", "uid-agent"));
  EXPECT_EQ(at(2000), "-");
  EXPECT_EQ(directory_.stats().removed_pods_kept, 0u);
}

TEST_F(Pods, ThatEndGiveTheirAddressUp) {
  for (const auto phase : {metadata::v1::Pod::SUCCEEDED, metadata::v1::Pod::FAILED}) {
    const std::string name = "job-" + std::to_string(phase);
    const std::string text = "10.10.1." + std::to_string(phase);
    auto job = pod(name, {text}, 1000);
    apply(1000, job);
    job.set_phase(phase);
    apply(4000, job);
    EXPECT_EQ(at(3999, text), name);
    EXPECT_EQ(at(4000, text), "-");
    apply(5000, job);  // told again, nothing more is given up
    EXPECT_EQ(at(4500, text), "-");
    apply(6000, removal(Removal::POD, name, job.uid()));
    EXPECT_EQ(at(3999, text), name);
    EXPECT_EQ(at(5500, text), "-");
  }
  EXPECT_EQ(directory_.stats().removed_pods_kept, 2u);
}

TEST_F(Pods, ThatHadEndedWhenFirstSeenNeverClaim) {
  auto job = pod("job", {ip}, 1000);
  job.set_phase(metadata::v1::Pod::SUCCEEDED);
  apply(2000, job);
  EXPECT_EQ(at(1500), "-");
}

TEST_F(Pods, WhoseAddressChangesHaveEachInItsTime) {
  apply(1000, pod("a", {ip, "fd00::5"}, 1000));
  apply(4000, pod("a", {"10.10.0.6", "fd00::5"}, 1000));
  EXPECT_EQ(at(3000), "a");
  EXPECT_EQ(at(4000), "-");
  EXPECT_EQ(at(4000, "10.10.0.6"), "a");
  EXPECT_EQ(at(3000, "fd00::5"), "a");
  EXPECT_EQ(directory_.pod(address("fd00::5"), 3000)->removed_wall_ms, 0);
  EXPECT_EQ(directory_.pod(address(ip), 3000)->addresses, std::vector<Address>{address(ip)});
  EXPECT_EQ(directory_.stats().pods, 1u);
}

TEST_F(Pods, AnUpdateOfTheSameUidReplaces) {
  apply(1000, pod("a", {ip}, 1000));
  auto changed = pod("a", {ip}, 1500);
  changed.set_node_name("other");
  apply(2000, changed);
  ASSERT_NE(directory_.pod(address(ip), 2000), nullptr);
  EXPECT_EQ(directory_.pod(address(ip), 2000)->node_name, "other");
  EXPECT_EQ(directory_.pod(address(ip), 2000)->start_wall_ms, 1500);
  EXPECT_EQ(directory_.stats().pods, 1u);
  EXPECT_EQ(directory_.stats().removed_pods_kept, 0u);
}

TEST_F(Pods, AreRemovedByUidSoThatASuccessorOfTheSameNameStays) {
  auto second = pod("web-0", {"10.10.0.6"}, 5000);
  second.set_uid("uid-second");
  apply(1000, pod("web-0", {ip}, 1000));
  apply(5000, second);
  EXPECT_EQ(directory_.stats().pods, 1u);  // the first cannot be there any more
  EXPECT_EQ(at(4000), "web-0");
  EXPECT_EQ(at(5000), "-");
  apply(6000, removal(Removal::POD, "web-0", "uid-web-0"));
  EXPECT_EQ(at(7000, "10.10.0.6"), "web-0");
  apply(8000, removal(Removal::POD, "web-0", "uid-second"));
  EXPECT_EQ(at(8000, "10.10.0.6"), "-");
}

TEST_F(Pods, WithoutAUidInTheRemovalAreRemovedByName) {
  apply(1000, pod("a", {ip}, 1000));
  apply(5000, removal(Removal::POD, "a"));
  EXPECT_EQ(at(5000), "-");
  EXPECT_EQ(directory_.stats().removals, 1u);
}

TEST_F(Pods, WithoutAUidAreIdentifiedByName) {
  auto nameless = pod("a", {ip}, 1000);
  nameless.clear_uid();
  apply(1000, nameless);
  apply(2000, nameless);
  EXPECT_EQ(directory_.stats().pods, 1u);
  apply(5000, removal(Removal::POD, "a"));
  EXPECT_EQ(directory_.stats().pods, 0u);
}

TEST_F(Pods, AUidThatChangesItsNameLeavesNoStaleName) {
  apply(1000, pod("a", {ip}, 1000));
  auto renamed = pod("b", {ip}, 1000);
  renamed.set_uid("uid-a");
  apply(2000, renamed);
  EXPECT_EQ(at(3000), "b");
  apply(3000, removal(Removal::POD, "a"));
  EXPECT_EQ(directory_.stats().pods, 1u);
  apply(4000, removal(Removal::POD, "b"));
  EXPECT_EQ(directory_.stats().pods, 0u);
}

TEST_F(Pods, RemovedAreForgottenWhenTheirTimeIsOver) {
  apply(1000, pod("a", {ip}, 1000));
  apply(5000, removal(Removal::POD, "a", "uid-a"));
  directory_.expire(14'999);
  EXPECT_EQ(at(4000), "a");
  directory_.expire(15'000);
  EXPECT_EQ(at(4000), "-");
  EXPECT_EQ(directory_.stats().removed_pods_kept, 0u);
  EXPECT_EQ(directory_.stats().removed_pods_dropped, 0u);
}

TEST_F(Pods, RemovedOverTheLimitAreForgottenOldestFirstAndCounted) {
  for (int i = 0; i < 5; ++i) {
    const std::string name = "pod-" + std::to_string(i);
    apply(1000, pod(name, {"10.10.2." + std::to_string(i)}, 1000));
    apply(2000 + i, removal(Removal::POD, name, "uid-" + name));
  }
  EXPECT_EQ(at(1500, "10.10.2.1"), "-");
  EXPECT_EQ(at(1500, "10.10.2.2"), "pod-2");
  EXPECT_EQ(directory_.stats().removed_pods_kept, 3u);
  EXPECT_EQ(directory_.stats().removed_pods_dropped, 2u);
}

TEST_F(Pods, AnAddressListedTwiceIsHeldOnce) {
  apply(1000, pod("a", {ip, ip}, 1000));
  EXPECT_EQ(directory_.pod(address(ip), 1000)->addresses.size(), 1u);
  apply(2000, removal(Removal::POD, "a", "uid-a"));
  EXPECT_EQ(at(2000), "-");
}

}  // namespace
}  // namespace ofe::k8s::test
