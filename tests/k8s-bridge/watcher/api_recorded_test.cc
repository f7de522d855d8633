// Answers of k8s.io/apiserver 0.36.4, the library that a kube-apiserver of that version is built on, recorded octet by
// octet (Debian's golang-k8s-apiserver-dev; Pods, Services, Nodes and EndpointSlices of k8s.io/api in etcd 3.5, its
// watch cache and WatchList on) and replayed over TLS in pieces.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tests/k8s-bridge/watcher/api_source_fixture.h"
#include "tests/k8s-bridge/watcher/test_certificates.h"

namespace ofe::watcher {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

// The request's line, the status line, an empty line, the body.
struct Recorded {
  std::string request, status_line, body;
  int status() const { return std::stoi(status_line.substr(status_line.find(' '))); }
};

Recorded recorded(const std::string& name) {
  std::ifstream file(RECORDED_ANSWERS "/" + name);
  Recorded answer;
  std::string empty;
  std::getline(file, answer.request);
  std::getline(file, answer.status_line);
  std::getline(file, empty);
  std::stringstream rest;
  rest << file.rdbuf();
  answer.body = rest.str();
  EXPECT_FALSE(answer.body.empty()) << name;
  return answer;
}

Answer replay(const std::string& name) {
  return [answer = recorded(name)](FakeReply& reply) {
    if (answer.status() != 200) return reply.answer(answer.status(), answer.body);
    reply.begin_stream();
    constexpr std::size_t chunk_octets = 2'048;
    for (std::string_view rest = answer.body; !rest.empty(); rest.remove_prefix(std::min(chunk_octets, rest.size()))) {
      reply.chunk(rest.substr(0, chunk_octets));
    }
    reply.end_stream();
  };
}

class ApiRecordedTest : public ApiSourceTest {
 protected:
  static void SetUpTestSuite() {
    ApiSourceTest::SetUpTestSuite();
    signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to clients that left
  }
  ApiRecordedTest() {
    server_ =
        std::make_unique<FakeApiServer>([this](const FakeRequest& request, FakeReply& reply) { play(request, reply); },
                                        authority_.issue("server", "IP:127.0.0.1"), authority_.pem());
    ApiAccess access;
    access.server = fmt::format("https://127.0.0.1:{}", server_->port());
    access.ca_data = authority_.pem();
    http_ = std::make_unique<HttpClient>(access);
    options_.watch.ask_for_streams = true;
  }
  // Until each kind's recorded stream was read and the next request goes on from it.
  void replay_all() {
    on("watch pods", {replay("pods.txt")});
    on("watch services", {replay("services.txt")});
    on("watch nodes", {replay("nodes.txt")});
    start();
    for (const char* kind : {"pods", "services", "nodes"}) {
      ASSERT_TRUE(until([&] { return targets(kind, true).size() == 2; })) << kind;
    }
  }
  template <class Message>
  std::vector<Message> all() const {
    std::vector<Message> found;
    for (const auto* entry = store_.next_after(0); entry != nullptr; entry = store_.next_after(entry->version)) {
      if (entry->removed) continue;
      if (const auto* message = std::get_if<Message>(&entry->object)) found.push_back(*message);
    }
    return found;
  }
  template <class Message>
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const Message& message : all<Message>()) found.push_back(message.name());
    return found;
  }

  TestAuthority authority_{"test authority"};
};

TEST_F(ApiRecordedTest, StreamsEndWithWhatTheServerHad) {
  replay_all();
  EXPECT_THAT(names<metadata::v1::Pod>(), UnorderedElementsAre("pod-a3", "pod-a6"));
  EXPECT_THAT(names<metadata::v1::Service>(), UnorderedElementsAre("headless", "web", "lb"));
  EXPECT_THAT(names<metadata::v1::Node>(), UnorderedElementsAre("node-a", "node-b"));
  for (const Kind kind : all_kinds) {
    const KindWatchStats& stats = source_->watch(kind).stats();
    EXPECT_EQ(stats.streamed_lists, 1u);
    EXPECT_EQ(stats.pages + stats.failures + stats.malformed + stats.skipped + stats.unknown_events, 0u);
  }
  EXPECT_TRUE(source_->state().synced);
  EXPECT_EQ(source_->state().detail, "");
}

TEST_F(ApiRecordedTest, TheirObjectsAreRead) {
  replay_all();
  for (const auto& pod : all<metadata::v1::Pod>()) {
    EXPECT_EQ(pod.node_name(), "node-a");
    EXPECT_EQ(pod.ips_size(), 1);
    EXPECT_EQ(pod.phase() == metadata::v1::Pod::SUCCEEDED, pod.name() == "pod-a3");
  }
  std::map<std::string, metadata::v1::Service> services;
  for (auto& service : all<metadata::v1::Service>()) services[service.name()] = service;
  EXPECT_EQ(services["headless"].cluster_ips_size(), 0);
  EXPECT_EQ(services["web"].cluster_ips_size(), 2) << "dual stack";
  EXPECT_EQ(services["web"].ports_size(), 2);
  EXPECT_THAT(services["lb"].external_ips(), ElementsAre(std::string("\xcb\x00\x71\x05", 4))) << "with an ipMode";
  EXPECT_EQ(services["lb"].ports(0).node_port(), 30080u);
}

TEST_F(ApiRecordedTest, WatchesGoOnFromTheLastBookmark) {
  replay_all();
  EXPECT_THAT(targets("pods", true).at(1), HasSubstr("&resourceVersion=82"));
  EXPECT_THAT(targets("services", true).at(1), HasSubstr("&resourceVersion=76"));
  EXPECT_THAT(targets("nodes", true).at(1), HasSubstr("&resourceVersion=81"));
}

// What was recorded is what this bridge asks for, but for the time it gives a watch.
TEST_F(ApiRecordedTest, TheRequestsAreThoseThatWereRecorded) {
  replay_all();
  for (const char* kind : {"pods", "services", "nodes"}) {
    const std::string request = recorded(std::string(kind) + ".txt").request;
    const std::string asked = targets(kind, true).at(0);
    EXPECT_EQ("GET " + asked.substr(0, asked.find("&timeoutSeconds")),
              request.substr(0, request.find("&timeoutSeconds")));
  }
}

TEST_F(ApiRecordedTest, AServerWithoutStreamsIsAskedForPages) {
  on("watch pods", {replay("refused_without_the_gate.txt")});
  start();
  ASSERT_TRUE(until([&] { return source_->watch(Kind::pod).synced(); }));
  EXPECT_EQ(targets("pods", false).size(), 1u);
  EXPECT_EQ(pods().failures, 0u);
}

TEST_F(ApiRecordedTest, ATooOldVersionLeadsToANewStream) {
  on("watch pods", {replay("pods.txt"), replay("too_old.txt"), replay("pods.txt")});
  start();
  ASSERT_TRUE(until([&] { return pods().streamed_lists == 2; }));
  EXPECT_EQ(pods().expired, 1u);
  EXPECT_EQ(pods().failures, 0u);
}

TEST_F(ApiRecordedTest, APageThatIsTooOldLeadsToANewList) {
  options_.watch.ask_for_streams = false;
  on("list pods", {list({pod_json("a", "3")}, "3", "next"), replay("expired_page.txt"), list({}, "9")});
  start();
  ASSERT_TRUE(until([&] { return source_->watch(Kind::pod).synced(); }));
  EXPECT_EQ(pods().expired, 1u);
  EXPECT_THAT(targets("pods", false).at(1), HasSubstr("continue=next"));
  EXPECT_THAT(targets("pods", false).at(2), Not(HasSubstr("continue")));
  EXPECT_FALSE(has_pod("a"));
}

TEST_F(ApiRecordedTest, AServerWithoutItsEtcdIsAskedAgain) {
  on("watch pods", {replay("etcd_away.txt"), replay("pods.txt")});
  start();
  ASSERT_TRUE(until([&] { return pods().failures == 1; }));
  EXPECT_THAT(source_->state().detail, HasSubstr("pods: list: the server ended the watch: 500 context deadline"));
  ASSERT_TRUE(until([&] { return pods().streamed_lists == 1; }));
}

// Nothing here watches EndpointSlices; were they sent all the same, none would be taken for a Pod, Service or Node.
TEST_F(ApiRecordedTest, EndpointSlicesAreNothingElse) {
  on("watch services", {replay("endpointslices.txt")});
  start();
  ASSERT_TRUE(until([&] { return source_->watch(Kind::service).stats().skipped > 0; }));
  EXPECT_THAT(names<metadata::v1::Service>(), IsEmpty());
}

TEST_F(ApiRecordedTest, NothingAtAllIsAList) {
  on("watch services", {replay("no_services.txt")});
  start();
  ASSERT_TRUE(until([&] { return source_->watch(Kind::service).synced(); }));
  EXPECT_THAT(names<metadata::v1::Service>(), IsEmpty());
}

}  // namespace
}  // namespace ofe::watcher
