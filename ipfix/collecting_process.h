// The collecting process: many transport sessions, their framing, and the limits over all of them (RFC 7011 sections 9
// to 11). No descriptors: whoever owns the sockets hands over octets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "ipfix/collecting_session.h"

namespace ipfix {

class CollectingProcess {
 public:
  using SessionId = std::uint64_t;

  // The registry outlives the process.
  CollectingProcess(const Registry& registry, CollectingLimits limits, CollectingHandlers handlers)
      : registry_(registry), limits_(limits), handlers_(std::move(handlers)) {}
  CollectingProcess(const CollectingProcess&) = delete;
  CollectingProcess& operator=(const CollectingProcess&) = delete;

  // A new stream or file session; peer is its name in records and reports. nullopt: the limit is reached.
  std::optional<SessionId> open(SessionKind kind, const std::string& peer);
  // Octets of a stream or file, cut anywhere. False: the session cannot be read on (a stream after any malformed
  // message, a file after a broken message header); close it.
  bool receive(SessionId session, Octets octets, std::int64_t now_ms);
  // The peer's end of a session, or ours. Unfinished messages and sets still held are reported.
  void close(SessionId session);

  // One datagram. Sessions are told apart by the peer's address and port; beyond the limit the longest idle datagram
  // session makes room. Finding::none, or why the message was discarded.
  Finding receive_datagram(const std::string& peer, Octets datagram, std::int64_t now_ms);

  // Closes every session.
  void close_all();

  std::size_t sessions() const { return streams_.size() + datagrams_.size(); }
  const CollectingStats& stats() const { return stats_; }

 private:
  struct Stream {
    Stream(const std::string& peer, SessionKind kind, CollectingProcess& process)
        : session(peer, kind, process.registry_, process.limits_, process.handlers_, process.stats_) {}
    StreamFramer framer;
    CollectingSession session;
    bool over = false;  // nothing more is read
  };

  bool evict_idle_datagram_session();
  void report_without_session(Finding finding, const std::string& peer);

  const Registry& registry_;
  const CollectingLimits limits_;
  const CollectingHandlers handlers_;
  CollectingStats stats_;
  std::map<SessionId, Stream> streams_;
  std::unordered_map<std::string, CollectingSession> datagrams_;
  SessionId next_id_ = 1;
};

}  // namespace ipfix
