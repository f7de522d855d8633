#include "ipfix/session_renewal.h"

namespace ipfix {
namespace {

constexpr std::int64_t acknowledgement_look_ms = 20;  // poll(2) does not tell

bool all_acknowledged(const CollectorSocket& socket) {
  return socket.octets_acknowledged().value_or(socket.octets_written()) == socket.octets_written();
}

}  // namespace

void SessionRenewal::begin_session(Now now) {
  outdated_ = false;
  close_by_ms_.reset();
  next_look_ms_ = now.monotonic_ms + options_.tls_files_look_ms;
}

bool SessionRenewal::is_due(CollectorSocket& socket, MessageSender& sender, Now now) {
  if (now.monotonic_ms < next_look_ms_) return false;
  if (!outdated_) {
    next_look_ms_ = now.monotonic_ms + options_.tls_files_look_ms;
    if (!socket.is_outdated()) return false;
    outdated_ = true;
    sender.hold();
  }
  next_look_ms_ = now.monotonic_ms + acknowledgement_look_ms;
  if (!sender.is_between_messages()) return false;  // a message is never cut for this
  if (!close_by_ms_) close_by_ms_ = now.monotonic_ms + options_.connect_timeout_ms;
  return all_acknowledged(socket) || now.monotonic_ms >= *close_by_ms_;
}

std::optional<std::int64_t> SessionRenewal::next_deadline_ms() const {
  return options_.tls ? std::optional(next_look_ms_) : std::nullopt;
}

}  // namespace ipfix
