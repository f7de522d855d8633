// One connected exporter: reads its hello, writes its feed. Non-blocking; memory is bounded by the output buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "k8s-bridge/watcher/exporter_feed.h"
#include "k8s-bridge/watcher/now.h"
#include "proto/frame.h"

namespace ofe::watcher {

struct SessionLimits {
  std::size_t output_octets = 512 * 1024;  // filled up to here, then by one frame more at most
  std::size_t turn_octets = 4u << 20;      // written in one run(), so that a snapshot does not hold the loop
  std::int64_t hello_timeout_ms = 10'000;
  std::int64_t stall_timeout_ms = 60'000;  // with output waiting and not one octet taken
};

enum class SessionEnd : std::uint8_t { none, closed, no_hello, malformed, stalled, fell_behind, failed };
const char* to_string(SessionEnd end);

class ExporterSession {
 public:
  // Owns the descriptor.
  ExporterSession(int fd, std::uint64_t id, const SessionLimits& limits, const Now& now);
  ~ExporterSession();
  ExporterSession(const ExporterSession&) = delete;
  ExporterSession& operator=(const ExporterSession&) = delete;

  // default_node: taken for an exporter that does not say where it is.
  void run(const Now& now, const ObjectStore& store, const SourceState& state, const std::string& default_node);
  SessionEnd end() const { return end_; }
  const std::string& end_detail() const { return end_detail_; }

  int fd() const { return fd_; }
  short events() const;
  std::optional<std::int64_t> next_deadline_ms(const Now& now) const;
  const ExporterFeed* feed() const { return feed_ ? &*feed_ : nullptr; }  // nullptr before the hello
  std::uint64_t id() const { return id_; }
  std::size_t output_waiting() const { return output_.size() - written_; }

 private:
  void finish(SessionEnd end, std::string detail = "");
  void read(const Now& now, const ObjectStore& store, const std::string& default_node);
  void take(metadata::v1::Frame& frame, const ObjectStore& store, const std::string& default_node);
  void write(const Now& now, const SourceState& state);
  bool flush(const Now& now);

  int fd_;
  std::uint64_t id_;
  SessionLimits limits_;
  metadata::FrameReader reader_;
  std::optional<ExporterFeed> feed_;
  std::string output_;
  std::size_t written_ = 0;
  bool more_now_ = false;
  std::int64_t progress_ms_;  // connected, or last octet taken, or output began to wait
  SessionEnd end_ = SessionEnd::none;
  std::string end_detail_;
};

}  // namespace ofe::watcher
