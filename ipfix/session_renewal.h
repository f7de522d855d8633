// A session that was made with what has been replaced since (certificates) is closed and opened anew, as it may live
// for months: new certificates are tried while the old ones are still valid, and revoked ones go out of use. Nothing is
// lost by it: the message on its way is finished first and no other begun, and the collector's host has acknowledged
// all.
#pragma once

#include <cstdint>
#include <optional>

#include "ipfix/exporting_process.h"
#include "ipfix/message_sender.h"
#include "ipfix/transport.h"

namespace ipfix {

class SessionRenewal {
 public:
  explicit SessionRenewal(const ExportingOptions& options) : options_(options) {}

  void begin_session(Now now);
  // In a session that is up: whether to close it now and connect again.
  bool is_due(CollectorSocket& socket, MessageSender& sender, Now now);
  std::optional<std::int64_t> next_deadline_ms() const;

 private:
  const ExportingOptions& options_;
  std::int64_t next_look_ms_ = 0;
  bool outdated_ = false;
  std::optional<std::int64_t> close_by_ms_;  // whatever is not acknowledged by then
};

}  // namespace ipfix
