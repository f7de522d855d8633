// An API server that refuses, is away or goes on about too old versions: what is told, and when it is asked again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/k8s-bridge/watcher/api_source_fixture.h"

namespace ofe::watcher {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST_F(ApiSourceTest, RetryAfterIsHonoured) {
  on("list pods", {refuse(500, "Retry-After: 100\r\n")});
  start();
  ASSERT_TRUE(until([&] { return pods().failures == 1; }));
  EXPECT_THAT(source_->state().detail, HasSubstr("pods: list: HTTP 500: refused by the test"));
  const auto due = source_->watch(Kind::pod).next_deadline_ms();
  ASSERT_TRUE(due);
  EXPECT_GT(*due, now().monotonic_ms + 60'000);
  for (int i = 0; i < 20; ++i) turn(1);
  EXPECT_EQ(pods().pages, 1u);
  skipped_ms_ += 100'000;
  ASSERT_TRUE(until([&] { return source_->state().synced; }));
  EXPECT_EQ(source_->state().detail, "");
}

TEST_F(ApiSourceTest, RefusalsAreToldAndTriedAgain) {
  on("list services", {refuse(401), refuse(429), refuse(503)});
  start();
  ASSERT_TRUE(until([&] { return source_->watch(Kind::service).stats().failures == 1; }));
  EXPECT_THAT(source_->state().detail, HasSubstr("services: list: HTTP 401: refused by the test"));
  EXPECT_FALSE(source_->state().synced);
  ASSERT_TRUE(until([&] { return source_->state().synced; }));
  EXPECT_EQ(source_->watch(Kind::service).stats().failures, 3u);
}

TEST_F(ApiSourceTest, AKindThatIsForbiddenIsToldAndNotWaitedFor) {
  on("list services", {refuse(403), refuse(403), list({R"({"metadata": {"namespace": "d", "name": "s"}})"}, "4")});
  on("list pods", {list({pod_json("a", "3")}, "3")});
  start();
  ASSERT_TRUE(until([&] { return source_->state().synced; }));
  EXPECT_TRUE(has_pod("a"));
  EXPECT_THAT(source_->state().detail, HasSubstr("services: list: HTTP 403: refused by the test"));
  // Permission comes later.
  ASSERT_TRUE(until([&] { return store_.contains(Kind::service, "d/s"); }));
  EXPECT_EQ(source_->state().detail, "");
}

TEST_F(ApiSourceTest, NothingAllowedIsNotSynced) {
  for (const char* what : {"list pods", "list services", "list nodes"}) on(what, std::vector<Answer>(100, refuse(403)));
  start();
  for (const Kind kind : {Kind::pod, Kind::service, Kind::node}) {
    ASSERT_TRUE(until([&] { return source_->watch(kind).forbidden(); }));
  }
  turn();
  EXPECT_FALSE(source_->state().synced);
  EXPECT_THAT(source_->state().detail, AllOf(HasSubstr("pods: "), HasSubstr("services: "), HasSubstr("nodes: ")));
}

TEST_F(ApiSourceTest, AWatchThatStaysOpenEndsTheProblemWithoutAnEvent) {
  on("watch pods", {refuse(503), watch("")});
  start();
  ASSERT_TRUE(until([&] { return source_->state().detail.find("pods: watch: HTTP 503") != std::string::npos; }));
  ASSERT_TRUE(until([&] { return targets("pods", true).size() == 2; }));
  ASSERT_TRUE(until([&] { return source_->state().detail.empty(); }));
  EXPECT_EQ(pods().events + pods().bookmarks, 0u);
  EXPECT_EQ(source_->watch(Kind::pod).next_deadline_ms(), std::nullopt) << "nothing to wake up for";
}

// After etcd was put back from a backup, the API server says nothing until its versions have come as far again.
TEST_F(ApiSourceTest, AWatchWithoutAWordLeadsToANewList) {
  on("list pods", {list({pod_json("a", "900")}, "900"), list({pod_json("b", "3")}, "3")});
  const Answer silence = [this](FakeReply& reply) {
    reply.begin_stream();
    while (!end_watch_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    reply.end_stream();
  };
  on("watch pods", {silence});
  start();
  ASSERT_TRUE(until([&] { return has_pod("a") && targets("pods", true).size() == 1; }));
  turn();
  skipped_ms_ += 300'000;
  end_watch_ = true;
  ASSERT_TRUE(until([&] { return has_pod("b") && !has_pod("a"); }));
  EXPECT_EQ(pods().failures, 0u);
}

TEST_F(ApiSourceTest, AfterALongOutageATooOldVersionIsListedAnewSoon) {
  options_.watch.backoff_initial_ms = 50;
  std::vector<Answer> answers(4, refuse(503));
  answers.push_back(refuse(410));
  on("watch pods", std::move(answers));
  start();
  ASSERT_TRUE(until([&] { return pods().expired == 1; }));
  EXPECT_LE(*source_->watch(Kind::pod).next_deadline_ms(), now().monotonic_ms + 50);
  ASSERT_TRUE(until([&] { return pods().lists == 2; }));
}

TEST_F(ApiSourceTest, AVersionThatIsAlwaysTooOldIsListedMoreAndMoreSeldom) {
  options_.watch.backoff_initial_ms = 20;
  on("watch pods", std::vector<Answer>(6, refuse(410)));
  start();
  ASSERT_TRUE(until([&] { return pods().expired == 6; }));
  EXPECT_GE(*source_->watch(Kind::pod).next_deadline_ms(), now().monotonic_ms + 200) << "at least half of 20 ms × 32";
}

TEST_F(ApiSourceTest, AWatchThatEndsAtOnceIsNotTakenUpAtOnce) {
  options_.watch.backoff_initial_ms = 1'000;
  const Answer nothing = [](FakeReply& reply) {
    reply.begin_stream();
    reply.end_stream();
  };
  on("watch pods", {nothing, nothing, nothing});
  start();
  ASSERT_TRUE(until([&] { return pods().failures == 1; }));
  EXPECT_THAT(source_->state().detail, HasSubstr("pods: watch: a watch ended at once"));
  EXPECT_GE(*source_->watch(Kind::pod).next_deadline_ms(), now().monotonic_ms + 300);
}

TEST_F(ApiSourceTest, AnApiServerThatGoesAwayIsFoundAgain) {
  start();
  ASSERT_TRUE(until([&] { return source_->state().synced && !targets("pods", true).empty(); }));
  server_.reset();
  ASSERT_TRUE(until([&] { return source_->state().detail.find("pods: watch: ") != std::string::npos; }));
  EXPECT_TRUE(source_->state().synced) << "names stay in use";
  EXPECT_TRUE(source_->next_deadline_ms());
}

}  // namespace
}  // namespace ofe::watcher
