// What the bridge counts, which exporters are told (proto/metadata.proto: BridgeCounters).
#pragma once

#include <cstdint>

namespace ofe::watcher {

// Of one kind of objects and the API server.
struct KindWatchStats {
  std::uint64_t lists = 0, pages = 0, watches = 0;  // complete lists; requests
  std::uint64_t streamed_lists = 0;                 // of the lists
  std::uint64_t events = 0, bookmarks = 0, unknown_events = 0;
  std::uint64_t expired = 0;    // 410: listed anew
  std::uint64_t failures = 0;   // requests that ended otherwise than they should
  std::uint64_t malformed = 0;  // pages and events that are not what the API sends, lines over the limit
  std::uint64_t skipped = 0;    // objects that could not be used
};

// Of the exporters at the metadata socket.
struct ServerStats {
  std::uint64_t connected = 0;               // now
  std::uint64_t accepted = 0, refused = 0;   // refused: more than max_sessions
  std::uint64_t strangers = 0;               // refused: neither root, nor our user, nor in the socket's group
  std::uint64_t resumed = 0;                 // went on without a snapshot
  std::uint64_t malformed = 0, dropped = 0;  // dropped: stalled, fell behind or without a hello
};

struct BridgeCounts {
  KindWatchStats pods, services, nodes;
  ServerStats exporters;
};

}  // namespace ofe::watcher
