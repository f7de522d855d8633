// The exporter's end of the metadata socket: connects, says hello, feeds the directory, reconnects with backoff.
// Non-blocking; driven by run(), fd()/events() and next_deadline_ms(). A peer that breaks the protocol is dropped and
// reconnected to; names known before stay in use.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "k8s-bridge/directory/directory.h"

namespace ofe::k8s {

struct ClientOptions {
  std::string socket_path;
  std::string node_name;
  bool cluster_scope = false;
  std::int64_t reconnect_initial_ms = 500;
  std::int64_t reconnect_max_ms = 30'000;
};

struct ClientStats {
  bool connected = false;
  bool synced = false;             // a whole snapshot arrived on this connection
  bool source_synced = false;      // the bridge's own word about its source
  std::string source_detail;
  std::string last_error;          // "" while connected
  std::int64_t last_message_wall_ms = 0;
  std::uint64_t connects = 0, connect_failures = 0, frames = 0, protocol_errors = 0;
};

class Client {
 public:
  Client(ClientOptions options, Directory& directory);
  ~Client();
  // Reads a bounded amount (about 1 MiB) per call, so that a large snapshot does not hold the loop; with more to read
  // next_deadline_ms() is now.
  void run(std::int64_t monotonic_ms, std::int64_t wall_ms);
  int fd() const;
  short events() const;
  std::optional<std::int64_t> next_deadline_ms() const;
  const ClientStats& stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ofe::k8s
