// What a bridge, or something that pretends to be one, may send: damaged frames in any order. The sanitizers watch, and
// a whole snapshot afterwards is had all the same.
#include <google/protobuf/stubs/logging.h>
#include <gtest/gtest.h>

#include "fake_bridge.h"
#include "k8s-bridge/directory/client.h"
#include "metadata_messages.h"
#include "tests/mutations.h"
#include "tests/proto/recorded_frames.h"

namespace ofe::k8s::test {
namespace {

using metadata::v1::Frame;

class HostileFrames : public testing::Test {
 protected:
  // To the next connect and on, until what was sent is read or the connection dropped.
  void run() {
    now_ms_ = std::max(now_ms_ + 1, client_.next_deadline_ms().value_or(0));
    client_.run(now_ms_, 1'000'000 + now_ms_);
  }
  void connect() {
    while (!client_.stats().connected) run();
    ASSERT_TRUE(bridge_.accept());
  }
  void hang_up() {
    bridge_.close();
    while (client_.stats().connected) run();
  }
  std::vector<std::string> recorded() {
    std::vector<std::string> frames;
    for (const auto& frame : metadata::test::recorded_frames(RECORDED_FRAMES "/version_1.txt")) {
      if (frame.by == "bridge") frames.push_back(frame.octets);
    }
    return frames;
  }

  google::protobuf::LogSilencer silence_;  // about names that are no UTF-8
  std::int64_t now_ms_ = 0;
  FakeBridge bridge_;
  Directory directory_{{.max_removed_pods = 100, .max_objects = 1'000}};
  Client client_{{.socket_path = bridge_.path(), .node_name = "node-a", .reconnect_max_ms = 500}, directory_};
  Mutations mutations_;
};

TEST_F(HostileFrames, EndNothingButTheirConnection) {
  bridge_.listen(64);
  const std::vector<std::string> whole = recorded();
  for (int round = 0; round < 3'000; ++round) {
    SCOPED_TRACE(round);
    if (!client_.stats().connected) connect();
    std::string octets;
    for (const std::string& frame : whole) {
      octets += mutations_.below(8) == 0 ? whole[mutations_.below(whole.size())] : frame;
    }
    const std::vector<char> damaged = mutations_.damaged(std::span<const char>(octets));
    bridge_.send(std::string(damaged.begin(), damaged.end()));
    run();
    if (mutations_.below(4) == 0) hang_up();
    ASSERT_LE(directory_.stats().pods, 1'000u);
  }
  EXPECT_GT(client_.stats().protocol_errors, 100u);
  hang_up();
  connect();
  for (const std::string& frame : whole) bridge_.send(frame);
  run();
  EXPECT_TRUE(client_.stats().synced);
  EXPECT_EQ(directory_.stats().pods, 1u) << "of the snapshot; whatever else was believed before is gone";
  EXPECT_EQ(directory_.stats().services, 1u);
  EXPECT_EQ(directory_.stats().nodes, 1u);
}

TEST_F(HostileFrames, OfAnyOctets) {
  for (int round = 0; round < 20'000; ++round) {
    std::string octets;
    for (const std::string& frame : recorded()) octets += frame;
    const std::vector<char> damaged = mutations_.damaged(std::span<const char>(octets));
    metadata::FrameReader reader;
    std::span<const char> rest(damaged);
    Frame frame;
    while (!rest.empty() && reader.error() == metadata::FrameError::none) {
      const std::size_t piece = std::min(rest.size(), 1 + mutations_.below(200));
      reader.feed(rest.first(piece));
      rest = rest.subspan(piece);
      while (reader.next(frame)) {
        if (frame.has_update()) directory_.apply(frame.update(), 1);
      }
    }
  }
  EXPECT_LE(directory_.stats().pods, 1'000u);
}

}  // namespace
}  // namespace ofe::k8s::test
