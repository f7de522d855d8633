// What an API server, or something that pretends to be one, may send: mutated lists and events, in pieces of any size.
// The sanitizers watch; what is taken from it must be fit to be told to exporters.
#include <gtest/gtest.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "k8s-bridge/watcher/api_messages.h"
#include "k8s-bridge/watcher/exporter_feed.h"
#include "k8s-bridge/watcher/line_reader.h"
#include "proto/frame.h"
#include "tests/mutations.h"

namespace ofe::watcher {
namespace {

const char* const pod =
    R"({"metadata":{"namespace":"shop","name":"web","uid":"u1","resourceVersion":"7","creationTimestamp":)"
    R"("2024-05-01T10:20:30Z","deletionTimestamp":null},"spec":{"nodeName":"node-a","hostNetwork":false},"status":)"
    R"({"phase":"Running","podIP":"10.1.0.5","podIPs":[{"ip":"10.1.0.5"},{"ip":"fd00::5"}],"startTime":)"
    R"("2024-05-01T10:20:31Z"}})";
const char* const service =
    R"({"metadata":{"namespace":"shop","name":"web","uid":"u2","resourceVersion":"8"},"spec":{"type":"NodePort",)"
    R"("clusterIP":"10.96.0.1","clusterIPs":["10.96.0.1","fd00:10::1"],"externalIPs":["203.0.113.7"],"ports":)"
    R"([{"name":"http","port":80,"protocol":"TCP","nodePort":30080}]},"status":{"loadBalancer":{"ingress":)"
    R"([{"ip":"203.0.113.9"},{"hostname":"x"}]}}})";
const char* const node =
    R"({"metadata":{"name":"node-a","resourceVersion":"9"},"spec":{"podCIDR":"10.1.0.0/24","podCIDRs":)"
    R"(["10.1.0.0/24","fd00::/64"]},"status":{"addresses":[{"type":"InternalIP","address":"192.0.2.1"}]}})";

std::vector<std::string> events() {
  const std::string pod_text = pod;
  return {R"({"type":"ADDED","object":)" + pod_text + "}",
          R"({"type":"DELETED","object":)" + pod_text + "}",
          R"({"type":"MODIFIED","object":)" + std::string(service) + "}",
          R"({"type":"ADDED","object":)" + std::string(node) + "}",
          R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"12","annotations":)"
          R"({"k8s.io/initial-events-end":"true"}}}})",
          R"({"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old"}})"};
}

// Whatever was let in goes out in frames that an exporter reads.
void expect_tellable(ObjectStore& store) {
  metadata::v1::Hello hello;
  hello.set_protocol_version(metadata::protocol_version);
  hello.set_scope(metadata::v1::SCOPE_CLUSTER);
  ExporterFeed feed(hello, store);
  SourceState state;
  state.synced = state.pods_of_all_nodes = state.all_nodes_offered = true;
  std::string octets;
  while (feed.fill(octets, std::size_t{16} << 20, state, Now{1, 1})) {
  }
  metadata::FrameReader reader;
  reader.feed({octets.data(), octets.size()});
  metadata::v1::Frame frame;
  while (reader.next(frame)) {
  }
  ASSERT_EQ(reader.error(), metadata::FrameError::none);
}

class HostileStream : public ::testing::Test {
 protected:
  void take(Kind kind, std::optional<Object> object) {
    if (!object) return;
    ASSERT_EQ(kind_of(*object), kind);
    ASSERT_NE(key_of(*object), "");
    store_.put(std::move(*object), 1);
  }

  std::vector<char> damaged(std::string_view whole) { return mutations_.damaged(std::span<const char>(whole)); }

  Mutations mutations_;
  ObjectStore store_{{.max_objects = 500}};
};

TEST_F(HostileStream, EventsThatWereTamperedWith) {
  const std::vector<std::string> whole = events();
  simdjson::dom::parser parser;
  std::size_t read = 0;
  for (int round = 0; round < 60'000; ++round) {
    SCOPED_TRACE(round);
    const std::vector<char> line = damaged(whole[mutations_.below(whole.size())]);
    WatchEvent event;
    std::string error;
    const Kind kind = all_kinds[mutations_.below(all_kinds.size())];
    const bool good = parse_watch_event(kind, {line.data(), line.size()}, parser, event, error);
    ASSERT_EQ(good, error.empty());
    if (!good) continue;
    ++read;
    take(kind, std::move(event.object));
    if (round % 5'000 == 0) expect_tellable(store_);
  }
  EXPECT_GT(read, 1'000u) << "some are events still";
  expect_tellable(store_);
}

TEST_F(HostileStream, ListsThatWereTamperedWith) {
  const std::string items = std::string(pod) + "," + pod + "," + pod;
  const std::string whole =
      R"({"kind":"PodList","metadata":{"resourceVersion":"10","continue":"next"},"items":[)" + items + "]}";
  std::size_t read = 0;
  for (int round = 0; round < 20'000; ++round) {
    SCOPED_TRACE(round);
    const std::vector<char> body = damaged(whole);
    ListPage page;
    std::string error;
    const bool good = parse_list_page(Kind::pod, {body.data(), body.size()}, page, error);
    ASSERT_EQ(good, error.empty());
    if (!good) continue;
    ++read;
    for (Object& object : page.objects) take(Kind::pod, std::move(object));
  }
  EXPECT_GT(read, 500u);
  expect_tellable(store_);
}

// Cut anywhere, lines come out whole, and nothing is kept beyond the limit.
TEST_F(HostileStream, AnyOctetsInPiecesOfAnySize) {
  for (int round = 0; round < 2'000; ++round) {
    std::string stream;
    for (const std::string& event : events()) stream += event + (mutations_.below(8) == 0 ? "\n\n" : "\n");
    const std::vector<char> octets = damaged(stream);
    stream.assign(octets.begin(), octets.end());
    constexpr std::size_t limit = 700;
    LineReader reader(limit);
    std::string together;
    std::string_view rest = stream;
    bool going = true;
    while (going && !rest.empty()) {
      const std::string_view piece = rest.substr(0, 1 + mutations_.below(400));
      rest.remove_prefix(piece.size());
      going = reader.feed(piece, [&](std::string_view line) {
        together += std::string(line) + "\n";
        return true;
      });
      ASSERT_LE(reader.waiting_octets(), limit);
    }
    if (!going) continue;
    together.append(stream.substr(stream.size() - reader.waiting_octets()));
    std::string expected = stream;
    for (std::size_t at; (at = expected.find("\n\n")) != std::string::npos;) expected.erase(at, 1);
    if (expected.starts_with('\n')) expected.erase(0, 1);
    ASSERT_EQ(together, expected);
  }
}

}  // namespace
}  // namespace ofe::watcher
