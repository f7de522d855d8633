// Sends within one session: the preamble ahead of data, sequence numbers, cut messages, template refreshes over UDP.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "ipfix/exporting_process.h"
#include "ipfix/message_queue.h"
#include "ipfix/session_preamble.h"
#include "ipfix/statistics_records.h"
#include "ipfix/transport.h"

namespace ipfix {

class MessageSender {
 public:
  // stats receives what is sent, lost and failed. leaving is told the source_end (message_queue.h) of a message before
  // its first octet leaves.
  using Leaving = std::function<void(std::uint64_t source_end)>;
  MessageSender(const ExportingOptions& options, const SessionPreamble& preamble, MessageQueue& queue,
                ExportingStats& stats, Leaving leaving = {});

  void begin_session(Now now);
  // What the collector cannot have is sent again in the next session: messages cut, or not acknowledged by its host.
  // by_reset: the collector's end may have thrown away what its host had acknowledged, too.
  void end_session(bool by_reset);

  // Sends as much as goes. What failed: the session is broken.
  std::optional<IoResult> run(CollectorSocket& socket, Now now);

  // How far the collector's host has come.
  void take_acknowledgements(const CollectorSocket& socket);

  // For the rest of the session nothing new is begun, so that it can be closed without a loss.
  void hold() { held_ = true; }
  bool is_between_messages() const { return octets_gone_ == 0 && !offered_; }

  bool wants_to_write() const { return blocked_; }
  StatisticsRecords& statistics() { return statistics_; }
  // The last ones, which finish() asked for, have not left.
  bool owes_statistics() const {
    return statistics_.last_is_due() || (statistics_.finishing() && !preamble_messages_.empty());
  }
  // When run() has something to do without the socket's asking; may lie in the past.
  std::optional<std::int64_t> next_deadline_ms() const;

 private:
  enum class Lane : std::uint8_t { preamble, data };

  bool is_udp() const { return options_.transport == Transport::udp; }
  bool choose_message(Now now);
  bool refresh_is_due(Now now) const;
  void queue_preamble(std::size_t first_part);
  Message& current() { return lane_ == Lane::preamble ? preamble_messages_.front() : queue_.front(); }
  std::size_t batch_size(int budget) const;
  std::size_t send_batch(CollectorSocket& socket, std::size_t size, Now now);
  IoResult send_current(CollectorSocket& socket, Now now);
  void forget_old_error(Now now);
  IoResult send_datagram(CollectorSocket& socket, const Message& message, Now now);
  void note_udp_error(int error, Now now);
  void finish_current(const CollectorSocket& socket);
  void drop_current(Now now);

  const ExportingOptions& options_;
  const SessionPreamble& preamble_;
  MessageQueue& queue_;
  ExportingStats& stats_;
  Leaving leaving_;
  StatisticsRecords statistics_;

  std::deque<Message> preamble_messages_;  // and statistics: what is not of the queue
  std::size_t preamble_parts_queued_ = 0;  // of preamble_, in this session
  Lane lane_ = Lane::data;
  std::size_t octets_gone_ = 0;  // of the current message; only a stream cuts messages
  bool offered_ = false;         // a stream did not take the current message yet and is to be offered it again
  bool held_ = false;
  bool one_by_one_ = false;      // UDP: a batch was cut short in this run
  bool blocked_ = false;
  bool stopped_early_ = false;                   // more to send, but others want their turn
  std::optional<std::int64_t> retry_at_ms_;      // UDP: the kernel is out of buffers, which poll(2) does not tell
  std::optional<std::int64_t> next_refresh_ms_;  // UDP
  std::uint32_t data_messages_since_refresh_ = 0;
  std::int64_t last_error_ms_ = 0;
};

}  // namespace ipfix
