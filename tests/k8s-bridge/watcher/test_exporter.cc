#include "tests/k8s-bridge/watcher/test_exporter.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>

namespace ofe::watcher {

namespace v1 = metadata::v1;

TestExporter::TestExporter(const std::string& socket_path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socket_path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    fd_ = fd;
  } else {
    close(fd);
  }
}

TestExporter::~TestExporter() {
  if (fd_ >= 0) close(fd_);
}

void TestExporter::set_receive_buffer(int octets) {
  ASSERT_EQ(setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &octets, sizeof octets), 0);
}

void TestExporter::hello(const std::string& node, v1::Scope scope, std::uint64_t of_epoch, std::uint64_t of_version) {
  v1::Frame frame;
  frame.mutable_hello()->set_protocol_version(metadata::protocol_version);
  frame.mutable_hello()->set_node_name(node);
  frame.mutable_hello()->set_scope(scope);
  frame.mutable_hello()->set_epoch(of_epoch);
  frame.mutable_hello()->set_version(of_version);
  send_frame(frame);
}

void TestExporter::send_frame(const v1::Frame& frame) {
  std::string bytes;
  ASSERT_TRUE(metadata::append_frame(frame, bytes));
  send_bytes(bytes);
}

void TestExporter::send_bytes(const std::string& bytes) {
  ASSERT_EQ(send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
}

std::size_t TestExporter::receive_within(int milliseconds) {
  pollfd wait{fd_, POLLIN, 0};
  poll(&wait, 1, milliseconds);
  return receive();
}

std::size_t TestExporter::receive() {
  std::size_t frames = 0;
  char buffer[65536];
  while (true) {
    const ssize_t got = recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno == ECONNRESET)) closed_ = true;
    if (got <= 0) return frames;
    reader_.feed({buffer, static_cast<std::size_t>(got)});
    v1::Frame frame;
    while (reader_.next(frame)) {
      take(frame);
      ++frames;
    }
    EXPECT_EQ(reader_.error(), metadata::FrameError::none);
  }
}

void TestExporter::take(const v1::Frame& frame) {
  largest_frame_octets = std::max(largest_frame_octets, frame.ByteSizeLong());
  switch (frame.kind_case()) {
    case v1::Frame::kSnapshotBegin:
      kinds.emplace_back("begin");
      EXPECT_FALSE(in_snapshot);
      in_snapshot = true;
      pods.clear();
      services.clear();
      nodes.clear();
      break;
    case v1::Frame::kSnapshotEnd:
      kinds.emplace_back("end");
      EXPECT_TRUE(in_snapshot);
      in_snapshot = false;
      ++snapshots;
      epoch = frame.snapshot_end().epoch();
      version = frame.snapshot_end().version();
      break;
    case v1::Frame::kResumed:
      kinds.emplace_back("resumed");
      break;
    case v1::Frame::kUpdate:
      kinds.emplace_back("update");
      ++update_frames;
      if (frame.update().version() != 0) version = frame.update().version();
      apply(frame.update());
      break;
    case v1::Frame::kSourceStatus:
      kinds.emplace_back("status");
      status = frame.source_status();
      break;
    case v1::Frame::kBridgeCounters:
      counters = frame.bridge_counters();
      break;
    default:
      ADD_FAILURE() << "a frame only an exporter sends: " << frame.ShortDebugString();
  }
}

void TestExporter::apply(const v1::Update& update) {
  for (const auto& pod : update.pods()) pods[pod.uid()] = pod;
  for (const auto& service : update.services()) services[service.name()] = service;
  for (const auto& node : update.nodes()) nodes[node.name()] = node;
  for (const auto& removal : update.removals()) {
    EXPECT_FALSE(in_snapshot) << "a snapshot says only what is there";
    removals.push_back(removal);
    switch (removal.kind()) {
      case v1::Removal::POD:
        pods.erase(removal.uid());
        break;
      case v1::Removal::SERVICE:
        services.erase(removal.name());
        break;
      case v1::Removal::NODE:
        nodes.erase(removal.name());
        break;
      default:
        ADD_FAILURE() << removal.ShortDebugString();
    }
  }
}

}  // namespace ofe::watcher
