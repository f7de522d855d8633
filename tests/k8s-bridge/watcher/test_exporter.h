// An exporter made of nothing but the metadata messages and their framing: connects, says hello, keeps what it is told.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "proto/frame.h"
#include "proto/metadata.pb.h"

namespace ofe::watcher {

class TestExporter {
 public:
  explicit TestExporter(const std::string& socket_path);
  ~TestExporter();
  TestExporter(const TestExporter&) = delete;
  TestExporter& operator=(const TestExporter&) = delete;

  bool connected() const { return fd_ >= 0; }
  void hello(const std::string& node, metadata::v1::Scope scope, std::uint64_t of_epoch = 0,
             std::uint64_t of_version = 0);
  void send_frame(const metadata::v1::Frame& frame);
  void send_bytes(const std::string& bytes);
  // Reads what has arrived; returns how many frames it was. A closed connection is remembered.
  std::size_t receive();
  // Also waits for it, at most so long.
  std::size_t receive_within(int milliseconds);
  bool closed() const { return closed_; }
  void set_receive_buffer(int octets);

  // In the order of arrival: "begin", "update", "end", "status", "resumed".
  std::vector<std::string> kinds;
  std::map<std::string, metadata::v1::Pod> pods;          // by uid
  std::map<std::string, metadata::v1::Service> services;  // by name
  std::map<std::string, metadata::v1::Node> nodes;
  std::vector<metadata::v1::Removal> removals;
  metadata::v1::SourceStatus status;
  metadata::v1::BridgeCounters counters;
  std::size_t largest_frame_octets = 0, update_frames = 0;
  std::uint64_t epoch = 0, version = 0;  // as told last
  bool in_snapshot = false;
  int snapshots = 0;  // complete ones

 private:
  void take(const metadata::v1::Frame& frame);
  void apply(const metadata::v1::Update& update);

  int fd_ = -1;
  bool closed_ = false;
  metadata::FrameReader reader_;
};

}  // namespace ofe::watcher
