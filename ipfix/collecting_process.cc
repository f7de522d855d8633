#include "ipfix/collecting_process.h"

#include <algorithm>

namespace ipfix {

std::optional<CollectingProcess::SessionId> CollectingProcess::open(SessionKind kind, const std::string& peer) {
  if (sessions() >= limits_.sessions && !evict_idle_datagram_session()) {
    report_without_session(Finding::session_refused, peer);
    return std::nullopt;
  }
  const SessionId id = next_id_++;
  streams_.try_emplace(id, peer, kind, *this);
  return id;
}

bool CollectingProcess::receive(SessionId session, Octets octets, std::int64_t now_ms) {
  const auto found = streams_.find(session);
  if (found == streams_.end() || found->second.over) return false;
  Stream& stream = found->second;
  stream.framer.append(octets);
  while (!stream.over) {
    const std::uint64_t offset = stream.framer.offset();
    const std::optional<Octets> message = stream.framer.next();
    if (!message.has_value()) break;
    const Finding finding = stream.session.receive(*message, now_ms, offset);
    if (finding != Finding::none && stream.session.kind() == SessionKind::stream) stream.over = true;
  }
  if (!stream.over && stream.framer.finding() != Finding::none) {
    stream.session.report_broken_stream(stream.framer.finding(), stream.framer.offset());
    stream.over = true;
  }
  return !stream.over;
}

void CollectingProcess::close(SessionId session) {
  const auto found = streams_.find(session);
  if (found == streams_.end()) return;
  Stream& stream = found->second;
  if (!stream.over && stream.framer.at_end() != Finding::none) {
    stream.session.report_broken_stream(stream.framer.at_end(), stream.framer.offset());
  }
  stream.session.finish();
  streams_.erase(found);
}

Finding CollectingProcess::receive_datagram(const std::string& peer, Octets datagram, std::int64_t now_ms) {
  const auto known = datagrams_.find(peer);
  if (known != datagrams_.end()) return known->second.receive(datagram, now_ms);
  // Noise opens no session.
  MessageHeader header;
  const Finding finding = read_header(datagram, header);
  if (finding != Finding::none) {
    ++stats_.malformed_messages;
    report_without_session(finding, peer);
    return finding;
  }
  if (sessions() >= limits_.sessions && !evict_idle_datagram_session()) {
    report_without_session(Finding::session_refused, peer);
    return Finding::none;
  }
  const auto added = datagrams_.try_emplace(peer, peer, SessionKind::datagram, registry_, limits_, handlers_, stats_);
  return added.first->second.receive(datagram, now_ms);
}

void CollectingProcess::close_all() {
  while (!streams_.empty()) close(streams_.begin()->first);
  for (auto& [peer, session] : datagrams_) session.finish();
  datagrams_.clear();
}

bool CollectingProcess::evict_idle_datagram_session() {
  const auto idlest = std::min_element(datagrams_.begin(), datagrams_.end(), [](const auto& a, const auto& b) {
    return a.second.last_received_ms() < b.second.last_received_ms();
  });
  if (idlest == datagrams_.end()) return false;
  report_without_session(Finding::session_evicted, idlest->first);
  idlest->second.finish();
  datagrams_.erase(idlest);
  return true;
}

void CollectingProcess::report_without_session(Finding finding, const std::string& peer) {
  ++stats_.findings[static_cast<std::size_t>(finding)];
  if (handlers_.finding) handlers_.finding({.finding = finding, .exporter = peer});
}

}  // namespace ipfix
