// Lists and watches, and what is made of their contents.
#include "k8s-bridge/watcher/api_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/k8s-bridge/watcher/api_source_fixture.h"

namespace ofe::watcher {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(ApiSourceTest, ListsEachKindThenWatches) {
  on("list pods", {list({pod_json("a", "7")}, "10")});
  on("list services",
     {list({R"({"metadata": {"name": "web", "uid": "2"}, "spec": {"ports": [{"port": 80}]}})"}, "11")});
  on("list nodes", {list({R"({"metadata": {"name": "node-a", "uid": "3"}})"}, "12")});
  on("watch pods", {watch(event_json("ADDED", pod_json("b", "13")) + event_json("DELETED", pod_json("a", "14")))});
  start();
  EXPECT_FALSE(source_->state().synced);
  EXPECT_THAT(source_->state().detail, HasSubstr("have not arrived yet"));
  ASSERT_TRUE(until([&] { return source_->state().synced && has_pod("b") && !has_pod("a"); }));
  EXPECT_EQ(store_.size(Kind::service), 1u);
  EXPECT_EQ(store_.size(Kind::node), 1u);
  EXPECT_EQ(source_->state().detail, "");
  EXPECT_EQ(source_->state().pods_of_node, "node-a");
  ASSERT_TRUE(until([&] { return !targets("nodes", true).empty(); }));
  EXPECT_EQ(targets("pods", false).at(0), "/api/v1/pods?fieldSelector=spec.nodeName%3Dnode-a&limit=500");
  EXPECT_THAT(
      targets("pods", true).at(0),
      AllOf(HasSubstr("fieldSelector=spec.nodeName%3Dnode-a&watch=1&allowWatchBookmarks=true&resourceVersion=10"),
            HasSubstr("&timeoutSeconds=")));
  EXPECT_EQ(targets("nodes", false).at(0), "/api/v1/nodes?limit=500");
}

TEST_F(ApiSourceTest, ListsInPages) {
  on("list pods",
     {list({pod_json("a", "1"), pod_json("b", "2")}, "20", "next page&1"), list({pod_json("c", "3")}, "20")});
  start();
  ASSERT_TRUE(until([&] { return source_->state().synced; }));
  EXPECT_EQ(store_.size(Kind::pod), 3u);
  EXPECT_EQ(pods().pages, 2u);
  EXPECT_EQ(pods().lists, 1u);
  EXPECT_THAT(targets("pods", false).at(1), HasSubstr("&continue=next%20page%261"));
}

TEST_F(ApiSourceTest, APageThatFailsIsAskedForAgain) {
  on("list pods", {list({pod_json("a", "1")}, "20", "p2"), refuse(503), list({pod_json("b", "1")}, "20")});
  start();
  ASSERT_TRUE(until([&] { return source_->state().synced; }));
  EXPECT_EQ(store_.size(Kind::pod), 2u);
  EXPECT_THAT(targets("pods", false).at(2), HasSubstr("continue=p2"));
}

TEST_F(ApiSourceTest, AContinueTokenThatExpiredStartsTheListOver) {
  on("list pods", {list({pod_json("a", "1")}, "20", "p2"), refuse(410), list({pod_json("b", "1")}, "30")});
  start();
  ASSERT_TRUE(until([&] { return source_->state().synced; }));
  EXPECT_TRUE(has_pod("b"));
  EXPECT_FALSE(has_pod("a")) << "the second list does not name it";
  EXPECT_EQ(pods().expired, 1u);
  EXPECT_THAT(targets("pods", false).at(2), Not(HasSubstr("continue")));
}

TEST_F(ApiSourceTest, EventsInPiecesOfAnySize) {
  const std::string events = event_json("ADDED", pod_json("a", "2")) +
                             event_json("MODIFIED", pod_json("\xc3\xa4", "3")) +
                             event_json("DELETED", pod_json("a", "4")) + event_json("ADDED", pod_json("z", "5"));
  for (const std::size_t size : {1u, 3u, 7u, 64u, 1000u}) {
    SCOPED_TRACE(size);
    store_ = ObjectStore();
    on("watch pods", {[=](FakeReply& reply) {
         reply.begin_stream();
         for (std::size_t at = 0; at < events.size(); at += size)
           reply.chunk(std::string_view(events).substr(at, size));
         reply.hold();
       }});
    start();
    ASSERT_TRUE(until([&] { return pods().events == 4; }));
    EXPECT_FALSE(has_pod("a"));
    EXPECT_TRUE(has_pod("\xc3\xa4"));
    EXPECT_TRUE(has_pod("z"));
    source_.reset();
  }
}

TEST_F(ApiSourceTest, GoesOnFromABookmark) {
  on("watch pods", {[](FakeReply& reply) {
       reply.begin_stream();
       reply.chunk(event_json("ADDED", pod_json("a", "2")));
       reply.chunk(event_json("BOOKMARK", R"({"kind": "Pod", "metadata": {"resourceVersion": "900"}})"));
       reply.end_stream();
     }});
  start();
  ASSERT_TRUE(until([&] { return targets("pods", true).size() >= 2; }));
  EXPECT_THAT(targets("pods", true).at(1), HasSubstr("resourceVersion=900"));
  EXPECT_EQ(pods().bookmarks, 1u);
  EXPECT_EQ(pods().failures, 0u) << "a watch that ends is what was asked for";
  EXPECT_EQ(targets("pods", false).size(), 1u);
}

TEST_F(ApiSourceTest, CutInTheMiddleOfAnObject) {
  const std::string half = event_json("ADDED", pod_json("b", "3")).substr(0, 60);
  on("watch pods", {[=](FakeReply& reply) {
                      reply.begin_stream();
                      reply.chunk(event_json("ADDED", pod_json("a", "2")) + half);
                    },
                    watch(event_json("ADDED", pod_json("b", "3")))});
  start();
  ASSERT_TRUE(until([&] { return has_pod("b"); }));
  EXPECT_TRUE(has_pod("a"));
  EXPECT_THAT(targets("pods", true).at(1), HasSubstr("resourceVersion=2&")) << "from the last whole event";
  EXPECT_EQ(pods().malformed, 0u);
  EXPECT_EQ(pods().failures, 1u);
  EXPECT_EQ(source_->state().detail, "");
}

class ExpiredTest : public ApiSourceTest, public ::testing::WithParamInterface<bool> {};
TEST_P(ExpiredTest, ListsAgainAndRemovesWhatVanished) {
  on("list pods",
     {list({pod_json("a", "1"), pod_json("b", "2")}, "10"), list({pod_json("b", "2"), pod_json("c", "30")}, "40")});
  const Answer gone =
      GetParam() ? refuse(410) : watch(event_json("ERROR", R"({"kind": "Status", "code": 410, "message": "too old"})"));
  on("watch pods", {gone});
  start();
  ASSERT_TRUE(until([&] { return pods().lists == 2; }));
  EXPECT_FALSE(has_pod("a"));
  EXPECT_TRUE(has_pod("b"));
  EXPECT_TRUE(has_pod("c"));
  EXPECT_EQ(pods().expired, 1u);
  ASSERT_TRUE(until([&] { return targets("pods", true).size() == 2; }));
  EXPECT_THAT(targets("pods", true).at(1), HasSubstr("resourceVersion=40"));
}
INSTANTIATE_TEST_SUITE_P(ByStatusAndByEvent, ExpiredTest, ::testing::Bool());

TEST_F(ApiSourceTest, ANodeNameThatIsNoneIsTold) {
  options_.node_name = "vm";
  start();
  ASSERT_TRUE(until([&] { return source_->state().synced; }));
  EXPECT_EQ(source_->state().detail, "the cluster has no Node named vm (--node-name, NODE_NAME)");
}

TEST_F(ApiSourceTest, WhatCannotBeReadLeadsToANewList) {
  options_.watch.max_line_octets = 1000;
  on("list pods",
     {list({pod_json("a", "1")}, "10"), list({pod_json("b", "2")}, "20"), list({pod_json("c", "3")}, "30")});
  on("watch pods", {watch("{\"type\": broken\n"), watch(std::string(2000, 'x'))});
  start();
  ASSERT_TRUE(until([&] { return pods().lists == 3; }));
  EXPECT_EQ(pods().malformed, 2u);
  EXPECT_TRUE(has_pod("c"));
  EXPECT_EQ(store_.size(Kind::pod), 1u);
}

TEST_F(ApiSourceTest, AListThatIsNoneOrTooLargeIsAProblem) {
  options_.watch.max_page_octets = 500;
  on("list pods", {[](FakeReply& reply) { reply.answer(200, "<html>"); },
                   [](FakeReply& reply) { reply.answer(200, std::string(600, ' ')); }});
  start();
  ASSERT_TRUE(until([&] { return source_->state().synced; }));
  EXPECT_EQ(pods().malformed, 2u);
  EXPECT_EQ(pods().failures, 2u);
}

TEST_F(ApiSourceTest, ObjectsThatCannotBeUsedAreCountedAndDoNotStopTheRest) {
  on("list pods", {list({R"({"metadata": {"name": "x"}, "spec": {"nodeName": 5}})", pod_json("a", "1")}, "10")});
  on("watch pods", {watch(event_json("ADDED", R"({"metadata": {"resourceVersion": "11"}})") +
                          event_json("RENAMED", "{}") + event_json("ADDED", pod_json("b", "12")))});
  start();
  ASSERT_TRUE(until([&] { return has_pod("b"); }));
  EXPECT_EQ(store_.size(Kind::pod), 2u);
  EXPECT_EQ(pods().skipped, 2u);
  EXPECT_EQ(pods().unknown_events, 1u);
}

TEST_F(ApiSourceTest, PodsOfEveryNodeOnlyWhenAllowed) {
  start();
  ASSERT_TRUE(until([&] { return source_->state().synced; }));
  source_->want_pods_of_all_nodes();
  EXPECT_EQ(source_->state().pods_of_node, "node-a");
  EXPECT_FALSE(source_->state().all_nodes_offered);
  EXPECT_FALSE(source_->state().pods_of_all_nodes);
}

TEST_F(ApiSourceTest, PodsOfEveryNodeOnceWanted) {
  options_.remote_pods = true;
  on("list pods", {list({pod_json("a", "1")}, "10"), list({pod_json("a", "1"), pod_json("b", "2", "node-b")}, "20")});
  start();
  ASSERT_TRUE(until([&] { return source_->state().synced; }));
  EXPECT_TRUE(source_->state().all_nodes_offered);
  source_->want_pods_of_all_nodes();
  EXPECT_TRUE(source_->state().synced) << "what was known stays known";
  EXPECT_FALSE(source_->state().pods_of_all_nodes);
  EXPECT_TRUE(has_pod("a"));
  ASSERT_TRUE(until([&] { return source_->state().pods_of_all_nodes; }));
  EXPECT_TRUE(has_pod("b"));
  source_->want_pods_of_all_nodes();
  ASSERT_TRUE(until([&] {
    const auto watches = targets("pods", true);
    return !watches.empty() && watches.back().find("fieldSelector") == std::string::npos;
  }));
  EXPECT_EQ(targets("pods", false).size(), 2u);
  EXPECT_EQ(targets("pods", false).at(1), "/api/v1/pods?limit=500");
}

}  // namespace
}  // namespace ofe::watcher
