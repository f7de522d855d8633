// An ApiSource that a test turns, and the fake of kube-apiserver it talks to: what the API conventions allow and what
// networks do. https://kubernetes.io/docs/reference/using-api/api-concepts/
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "k8s-bridge/watcher/api_source.h"
#include "tests/k8s-bridge/watcher/fake_api_server.h"

namespace ofe::watcher {

using Answer = std::function<void(FakeReply&)>;

inline std::string pod_json(const std::string& name, const std::string& version, const std::string& node = "node-a") {
  return fmt::format(
      R"({{"metadata": {{"namespace": "default", "name": "{0}", "uid": "uid-{0}", "resourceVersion": "{1}"}},)"
      R"( "spec": {{"nodeName": "{2}"}}, "status": {{"podIP": "10.1.0.5", "phase": "Running"}}}})",
      name, version, node);
}
inline std::string list_json(const std::vector<std::string>& items, const std::string& version,
                             const std::string& token = "") {
  return fmt::format(R"({{"kind": "List", "metadata": {{"resourceVersion": "{}", "continue": "{}"}}, "items": [{}]}})",
                     version, token, fmt::join(items, ","));
}
inline std::string event_json(const std::string& type, const std::string& object) {
  return fmt::format(R"({{"type": "{}", "object": {}}})", type, object) + "\n";
}
inline Answer list(std::vector<std::string> items, std::string version, std::string token = "") {
  return [=](FakeReply& reply) { reply.answer(200, list_json(items, version, token)); };
}
inline Answer refuse(int status, std::string headers = "") {
  return [=](FakeReply& reply) {
    reply.answer(status, R"({"kind": "Status", "message": "refused by the test"})", headers);
  };
}
// A watch that says this and then stays open.
inline Answer watch(std::string events) {
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
    options_.watch.ask_for_streams = false;  // api_stream_test.cc does
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
  std::atomic<bool> end_watch_ = false;  // for answers that wait for it
};

}  // namespace ofe::watcher
