// A client that a test turns, and the fake bridge it talks to. Time is what the test says it is.
#pragma once

#include <gtest/gtest.h>

#include "fake_bridge.h"
#include "k8s-bridge/directory/client.h"
#include "metadata_messages.h"

namespace ofe::k8s::test {

using metadata::v1::Frame;

inline Frame snapshot_begin() {
  Frame frame;
  frame.mutable_snapshot_begin();
  return frame;
}

inline Frame snapshot_end() {
  Frame frame;
  frame.mutable_snapshot_end();
  return frame;
}

template <typename... Messages>
Frame update(const Messages&... messages) {
  Frame frame;
  *frame.mutable_update() = update_of(messages...);
  return frame;
}

class ClientWithFakeBridge : public testing::Test {
 protected:
  void run() { client_.run(now_ms_, wall_ms()); }
  std::int64_t wall_ms() const { return 1'000'000 + now_ms_; }
  // At the time the client asked for, as the loop would.
  void run_at_deadline() {
    now_ms_ = std::max(now_ms_, client_.next_deadline_ms().value());
    run();
  }
  void connect() {
    bridge_.listen();
    reconnect();
  }
  void reconnect() {
    run_at_deadline();
    ASSERT_TRUE(client_.stats().connected) << client_.stats().last_error;
    ASSERT_TRUE(bridge_.accept());
    ASSERT_EQ(bridge_.receive().value().kind_case(), Frame::kHello);
  }
  template <typename... Messages>
  void send_snapshot(const Messages&... messages) {
    bridge_.send(snapshot_begin());
    bridge_.send(update(messages...));
    bridge_.send(snapshot_end());
    run();
  }
  std::string pod_now(const std::string& ip) const { return pod_name(directory_, ip, wall_ms()); }
  void expect_dropped_for(const std::string& what) {
    run();
    EXPECT_FALSE(client_.stats().connected);
    EXPECT_FALSE(client_.stats().synced);
    EXPECT_EQ(client_.fd(), -1);
    EXPECT_EQ(client_.stats().last_error, "read " + bridge_.path() + ": protocol error: " + what);
    EXPECT_EQ(client_.stats().protocol_errors, 1u);
    EXPECT_TRUE(bridge_.peer_closed());
  }

  std::int64_t now_ms_ = 5000;
  FakeBridge bridge_;
  Directory directory_;
  Client client_{{.socket_path = bridge_.path(), .node_name = "worker", .reconnect_max_ms = 3000}, directory_};
};

}  // namespace ofe::k8s::test
