// The metadata socket: accepts exporters and serves each of them from the store.
#pragma once

#include <poll.h>
#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "k8s-bridge/watcher/exporter_session.h"

namespace ofe::watcher {

struct ServerOptions {
  std::string socket_path;
  std::string node_name;  // the bridge's own
  std::size_t max_sessions = 32;
  SessionLimits session;
  std::int64_t resume_window_ms = 120'000;  // removals are kept so long for exporters that come back
};

class MetadataServer {
 public:
  // Makes the parent folder, replaces a socket nobody listens on, and never touches anything else at that path.
  // nullptr: error says what was attempted and why it failed.
  static std::unique_ptr<MetadataServer> open(ServerOptions options, std::string& error);
  // Removes the socket, unless another program has replaced it since.
  ~MetadataServer();
  MetadataServer(const MetadataServer&) = delete;
  MetadataServer& operator=(const MetadataServer&) = delete;

  // Also lets the store forget removals that every exporter has.
  void run(const Now& now, ObjectStore& store, SourceState state);
  void add_poll_fds(std::vector<pollfd>& fds) const;
  std::optional<std::int64_t> next_deadline_ms(const Now& now) const;

  bool wants_pods_of_all_nodes() const;
  std::size_t sessions() const { return sessions_.size(); }
  const ServerStats& stats() const { return stats_; }

 private:
  MetadataServer(ServerOptions options, int fd, const struct stat& file);
  void accept_sessions(const Now& now);
  bool admit(int fd);
  void end_session(const ExporterSession& session);
  std::uint64_t version_a_window_ago(const Now& now, std::uint64_t version);

  ServerOptions options_;
  int fd_;
  dev_t device_;
  ino_t inode_;
  gid_t group_;
  std::uint64_t next_id_ = 1;
  std::optional<std::int64_t> accept_again_ms_;  // accepting failed (out of descriptors): not at once again
  std::vector<std::unique_ptr<ExporterSession>> sessions_;
  struct Sample {
    std::int64_t monotonic_ms = 0;
    std::uint64_t version = 0;
  };
  std::deque<Sample> versions_;  // of the store, over the resume window
  ServerStats stats_;
};

}  // namespace ofe::watcher
