// The metadata socket: accepts exporters and serves each of them from the store.
#pragma once

#include <poll.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
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
};

struct ServerStats {
  std::uint64_t accepted = 0, refused = 0;   // refused: more than max_sessions
  std::uint64_t malformed = 0, dropped = 0;  // dropped: stalled, fell behind or without a hello
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
  void run(const Now& now, ObjectStore& store, const SourceState& state);
  void add_poll_fds(std::vector<pollfd>& fds) const;
  std::optional<std::int64_t> next_deadline_ms(const Now& now) const;

  bool wants_pods_of_all_nodes() const;
  std::size_t sessions() const { return sessions_.size(); }
  const ServerStats& stats() const { return stats_; }

 private:
  MetadataServer(ServerOptions options, int fd, dev_t device, ino_t inode);
  void accept_sessions(const Now& now);
  void end_session(const ExporterSession& session);

  ServerOptions options_;
  int fd_;
  dev_t device_;
  ino_t inode_;
  std::uint64_t next_id_ = 1;
  std::optional<std::int64_t> accept_again_ms_;  // accepting failed (out of descriptors): not at once again
  std::vector<std::unique_ptr<ExporterSession>> sessions_;
  ServerStats stats_;
};

}  // namespace ofe::watcher
