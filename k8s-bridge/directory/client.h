// The exporter's end of the metadata socket: connects, says hello, feeds the directory, reconnects with backoff.
// Non-blocking; driven by run(), fd()/events() and next_deadline_ms(). A peer that breaks the protocol is dropped and
// reconnected to; names known before stay in use. The wait before a connect doubles each time, and starts again from
// reconnect_initial_ms after a whole snapshot. The same bridge is asked for what changed since the last connection.
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
  std::size_t read_octets_per_run = 256u << 10;  // a few milliseconds of work, so that no snapshot holds the loop
};

struct ClientStats {
  bool connected = false;
  bool synced = false;         // a whole snapshot arrived on this connection, or it went on after an earlier one
  bool source_synced = false;  // the bridge's own word about its source
  std::string source_detail;
  std::string last_error;  // what was attempted, on what, and why it failed; "" while connected
  std::int64_t last_message_wall_ms = 0;
  // Since when changes in the cluster may have been missed; 0: they are being told, or nothing was ever had.
  std::int64_t stale_since_wall_ms = 0;
  std::uint64_t connects = 0, connect_failures = 0, frames = 0;
  std::uint64_t resumed = 0;          // connections that went on without a snapshot
  std::uint64_t protocol_errors = 0;  // frames too long, malformed or out of order; each ends its connection
  std::optional<metadata::v1::BridgeCounters> bridge;  // as told last; nothing by bridges that do not
};

class Client {
 public:
  Client(ClientOptions options, Directory& directory);
  ~Client();
  // Stops reading at about read_octets_per_run; there may be more to read then, and next_deadline_ms() is now.
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
