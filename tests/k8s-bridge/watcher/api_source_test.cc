// The API source against a fake of kube-apiserver (fake_api_server.h) that plays what the API conventions allow and
// what networks do. https://kubernetes.io/docs/reference/using-api/api-concepts/
#include "k8s-bridge/watcher/api_source.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "tests/k8s-bridge/watcher/fake_api_server.h"

namespace ofe::watcher {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Answer = std::function<void(FakeReply&)>;

std::string pod_json(const std::string& name, const std::string& version, const std::string& node = "node-a") {
  return fmt::format(
      R"({{"metadata": {{"namespace": "default", "name": "{0}", "uid": "uid-{0}", "resourceVersion": "{1}"}},)"
      R"( "spec": {{"nodeName": "{2}"}}, "status": {{"podIP": "10.1.0.5", "phase": "Running"}}}})",
      name, version, node);
}
std::string list_json(const std::vector<std::string>& items, const std::string& version,
                      const std::string& token = "") {
  return fmt::format(R"({{"kind": "List", "metadata": {{"resourceVersion": "{}", "continue": "{}"}}, "items": [{}]}})",
                     version, token, fmt::join(items, ","));
}
std::string event_json(const std::string& type, const std::string& object) {
  return fmt::format(R"({{"type": "{}", "object": {}}})", type, object) + "\n";
}
Answer list(std::vector<std::string> items, std::string version, std::string token = "") {
  return [=](FakeReply& reply) { reply.answer(200, list_json(items, version, token)); };
}
Answer refuse(int status, std::string headers = "") {
  return [=](FakeReply& reply) {
    reply.answer(status, R"({"kind": "Status", "message": "refused by the test"})", headers);
  };
}
// A watch that says this and then stays open.
Answer watch(std::string events) {
  return [=](FakeReply& reply) {
    reply.begin_stream();
    reply.chunk(events);
    reply.hold();
  };
}

class ApiSourceTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { setenv("no_proxy", "127.0.0.1", 1); }
  ApiSourceTest() {
    options_.node_name = "node-a";
    options_.watch.backoff_initial_ms = 20;
    options_.seed = 5;
    server_ =
        std::make_unique<FakeApiServer>([this](const FakeRequest& request, FakeReply& reply) { play(request, reply); });
    ApiAccess access;
    access.server = fmt::format("http://127.0.0.1:{}", server_->port());
    http_ = std::make_unique<HttpClient>(access);
  }
  ~ApiSourceTest() override {
    source_.reset();
    server_.reset();
  }

  void start() { source_ = std::make_unique<ApiSource>(options_, *http_, store_); }
  // What lists ("list pods") and watches ("watch pods") are answered with, in turn. Without an answer left: a
  // list at version 1, empty but for the Node, and a watch that says nothing.
  void on(const std::string& what, std::vector<Answer> answers) {
    const std::lock_guard lock(mutex_);
    for (Answer& answer : answers) answers_[what].push_back(std::move(answer));
  }
  void play(const FakeRequest& request, FakeReply& reply) {
    const std::string kind = request.target.substr(8, request.target.find('?') - 8);  // after "/api/v1/"
    const std::string what = (request.is_watch() ? "watch " : "list ") + kind;
    std::vector<std::string> items;
    if (kind == "nodes") items = {R"({"metadata": {"name": "node-a"}})"};
    Answer answer = request.is_watch() ? watch("") : list(items, "1");
    {
      const std::lock_guard lock(mutex_);
      if (auto& waiting = answers_[what]; !waiting.empty()) {
        answer = std::move(waiting.front());
        waiting.pop_front();
      }
    }
    answer(reply);
  }
  Now now() const {
    const auto real = std::chrono::steady_clock::now().time_since_epoch();
    return {std::chrono::duration_cast<std::chrono::milliseconds>(real).count() + skipped_ms_, 1'700'000'000'000};
  }
  void turn(int wait_ms = 5) {
    source_->run(now());
    http_->poll({}, wait_ms);
  }
  ::testing::AssertionResult until(const std::function<bool()>& reached) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!reached()) {
      if (std::chrono::steady_clock::now() > give_up) {
        return ::testing::AssertionFailure() << "not reached; " << source_->state().detail;
      }
      turn();
    }
    return ::testing::AssertionSuccess();
  }
  bool has_pod(const std::string& name) const {
    for (const auto* entry = store_.next_after(0); entry != nullptr; entry = store_.next_after(entry->version)) {
      if (entry->key == "uid-" + name) return !entry->removed;
    }
    return false;
  }
  const KindWatchStats& pods() const { return source_->watch(Kind::pod).stats(); }
  std::vector<std::string> targets(const std::string& kind, bool watches) {
    std::vector<std::string> found;
    for (const FakeRequest& request : server_->requests()) {
      if (request.target.starts_with("/api/v1/" + kind + "?") && request.is_watch() == watches) {
        found.push_back(request.target);
      }
    }
    return found;
  }

  std::mutex mutex_;
  std::map<std::string, std::deque<Answer>> answers_;
  ApiSourceOptions options_;
  ObjectStore store_;
  std::unique_ptr<FakeApiServer> server_;
  std::unique_ptr<HttpClient> http_;
  std::unique_ptr<ApiSource> source_;
  std::int64_t skipped_ms_ = 0;
};

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

TEST_F(ApiSourceTest, ANodeNameThatIsNoneIsTold) {
  options_.node_name = "vm";
  start();
  ASSERT_TRUE(until([&] { return source_->state().synced; }));
  EXPECT_EQ(source_->state().detail, "the cluster has no Node named vm (--node-name, NODE_NAME)");
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
