// Lists that come as the beginning of a watch, as servers since Kubernetes 1.27 offer them (WatchList). What such a
// server says is written here after its documentation, as the tests' real kube-apiserver is older:
// https://kubernetes.io/docs/reference/using-api/api-concepts/#streaming-lists
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/k8s-bridge/watcher/api_source_fixture.h"
#include "tests/k8s-bridge/watcher/objects.h"

namespace ofe::watcher {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string end_of_list(const std::string& version) {
  return fmt::format(
             R"({{"type": "BOOKMARK", "object": {{"kind": "Pod", "apiVersion": "v1", "metadata": {{"resourceVersion": "{}", )"
             R"("creationTimestamp": null, "annotations": {{"k8s.io/initial-events-end": "true"}}}}}}}})",
             version) +
         "\n";
}

std::string bookmark(const std::string& version) {
  return event_json("BOOKMARK", fmt::format(R"({{"metadata": {{"resourceVersion": "{}"}}}})", version));
}

class ApiStreamTest : public ApiSourceTest {
 protected:
  ApiStreamTest() {
    options_.watch.ask_for_streams = true;
    for (const char* kind : {"services", "nodes"}) on(std::string("watch ") + kind, {refuse(422)});
  }
};

TEST_F(ApiStreamTest, AListThatBecomesAWatch) {
  on("watch pods",
     {watch(event_json("ADDED", pod_json("a", "5")) + event_json("ADDED", pod_json("b", "6")) + end_of_list("10") +
            event_json("ADDED", pod_json("c", "11")) + event_json("DELETED", pod_json("a", "12")))});
  start();
  ASSERT_TRUE(until([&] { return source_->state().synced && has_pod("c") && !has_pod("a"); }));
  EXPECT_TRUE(has_pod("b"));
  EXPECT_TRUE(targets("pods", false).empty()) << "nothing is listed in pages";
  ASSERT_EQ(targets("pods", true).size(), 1u) << "the list's request goes on as the watch";
  EXPECT_THAT(targets("pods", true).at(0),
              HasSubstr("fieldSelector=spec.nodeName%3Dnode-a&watch=1&allowWatchBookmarks=true&sendInitialEvents=true"
                        "&resourceVersionMatch=NotOlderThan"));
  EXPECT_THAT(targets("pods", true).at(0), Not(HasSubstr("resourceVersion=")));
  EXPECT_EQ(pods().streamed_lists, 1u);
  EXPECT_EQ(source_->state().detail, "");
}

TEST_F(ApiStreamTest, NothingIsRemovedBeforeTheListIsWhole) {
  store_.put(make_pod("old", "node-a"), 0);
  on("watch pods", {watch(event_json("ADDED", pod_json("a", "5")) + bookmark("6"))});
  start();
  ASSERT_TRUE(until([&] { return has_pod("a"); }));
  EXPECT_TRUE(has_pod("old")) << "an ordinary bookmark is no end";
  EXPECT_FALSE(source_->state().synced);
}

TEST_F(ApiStreamTest, TheWatchGoesOnFromWhatTheStreamSaidLast) {
  on("watch pods", {[](FakeReply& reply) {
                      reply.begin_stream();
                      reply.chunk(event_json("ADDED", pod_json("a", "5")) + end_of_list("10") + bookmark("15"));
                      reply.end_stream();
                    },
                    watch("")});
  start();
  ASSERT_TRUE(until([&] { return targets("pods", true).size() == 2; }));
  EXPECT_THAT(targets("pods", true).at(1), HasSubstr("&resourceVersion=15"));
}

// What a stream that was cut had told may be gone when the next one begins.
TEST_F(ApiStreamTest, CutBeforeItsEndItStartsOver) {
  on("watch pods", {[](FakeReply& reply) {
                      reply.begin_stream();
                      reply.chunk(event_json("ADDED", pod_json("a", "5")) + event_json("ADDED", pod_json("b", "6")));
                    },
                    watch(event_json("ADDED", pod_json("b", "6")) + end_of_list("10"))});
  start();
  ASSERT_TRUE(until([&] { return source_->state().synced; }));
  EXPECT_FALSE(has_pod("a"));
  EXPECT_TRUE(has_pod("b"));
  EXPECT_THAT(targets("pods", true).at(1), HasSubstr("sendInitialEvents"));
}

TEST_F(ApiStreamTest, ATooOldVersionLeadsToANewStream) {
  on("watch pods", {watch(end_of_list("10") + R"({"type": "ERROR", "object": {"code": 410, "message": "too old"}})"
                                              "\n"),
                    watch(event_json("ADDED", pod_json("a", "20")) + end_of_list("20"))});
  start();
  ASSERT_TRUE(until([&] { return has_pod("a"); }));
  EXPECT_EQ(pods().expired, 1u);
  EXPECT_THAT(targets("pods", true).at(1), HasSubstr("sendInitialEvents"));
}

class RefusedStream : public ApiStreamTest, public ::testing::WithParamInterface<int> {};

// 422 and 400 of servers that know no such watch, 403 of a role that may list but not watch.
TEST_P(RefusedStream, IsNotAskedForAgain) {
  on("watch pods", {refuse(GetParam()), [](FakeReply& reply) { reply.answer(410, "{}"); }, watch("")});
  on("list pods", {list({pod_json("a", "1")}, "10"), list({pod_json("b", "1")}, "20")});
  start();
  ASSERT_TRUE(until([&] { return source_->state().synced && has_pod("b"); }));
  const std::vector<std::string> watches = targets("pods", true);
  EXPECT_THAT(watches.at(0), HasSubstr("sendInitialEvents"));
  for (std::size_t i = 1; i < watches.size(); ++i) EXPECT_THAT(watches[i], Not(HasSubstr("sendInitialEvents")));
  EXPECT_EQ(pods().failures, 0u) << "it is no failure";
}

INSTANTIATE_TEST_SUITE_P(ByStatus, RefusedStream, ::testing::Values(400, 403, 422));

// Trouble is no word about whether the server has streams.
TEST_F(ApiStreamTest, IsAskedForAgainAfterTrouble) {
  on("watch pods",
     {refuse(503), refuse(429), refuse(401), watch(event_json("ADDED", pod_json("a", "5")) + end_of_list("9"))});
  start();
  ASSERT_TRUE(until([&] { return has_pod("a") && source_->state().synced; }));
  EXPECT_TRUE(targets("pods", false).empty());
  EXPECT_EQ(pods().failures, 3u);
}

}  // namespace
}  // namespace ofe::watcher
