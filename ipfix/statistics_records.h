// What a session is told about itself, as options: what was sent (Metering Process Statistics, RFC 7011 section 4.1)
// and what never will be (Exporting Process Reliability Statistics, section 4.3).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ipfix/exporting_process.h"
#include "ipfix/message_writer.h"
#include "ipfix/session_preamble.h"

namespace ipfix {

// observationDomainId (scope), messages, flow records and octets sent to this collector.
Template sent_statistics_template(std::uint16_t id);
// exportingProcessId (scope), flow records, packets and octets not sent, when the first and when the last of them was
// dropped (0: none was).
Template not_sent_statistics_template(std::uint16_t id);

// When they are due, and their values. They stand in messages of their own, made when they leave: the numbers exclude
// the message that carries them (IANA, elements 40 to 42), which is why they wait in no queue.
class StatisticsRecords {
 public:
  // Reads stats, and counts in its not_sent.
  StatisticsRecords(const ExportingOptions& options, const SessionPreamble& preamble, std::size_t max_message_octets,
                    ExportingStats& stats)
      : options_(options), preamble_(preamble), max_message_octets_(max_message_octets), stats_(stats) {}

  // Without it nothing is ever due. Both templates are in the preamble.
  void enable(const StatisticsTemplates& templates) { templates_ = templates; }
  void begin_session(Now now) {
    next_ms_ = now.monotonic_ms;
    last_taken_ = false;
  }
  // The last ones go once everything else has left.
  void finish() { last_wanted_ = true; }
  bool finishing() const { return last_wanted_; }
  bool last_is_due() const { return templates_ && last_wanted_ && !last_taken_; }
  std::optional<std::int64_t> next_deadline_ms() const { return templates_ ? next_ms_ : std::nullopt; }

  // What is due now, if anything; nothing_else: no record waits to be sent.
  std::vector<Message> take_due(Now now, bool nothing_else);

  // A message that will not reach the collector.
  void count_lost(std::span<const std::uint8_t> message, Now now);

 private:
  const ExportingOptions& options_;
  const SessionPreamble& preamble_;
  std::size_t max_message_octets_;
  ExportingStats& stats_;
  std::optional<StatisticsTemplates> templates_;
  std::optional<std::int64_t> next_ms_;
  bool last_wanted_ = false;
  bool last_taken_ = false;
};

// Flow records that are dropped at this time: of so many packets and octets, or one record that tells them itself.
// Options records are no flows.
void count_not_sent(NotSent& counts, std::uint64_t flows, std::uint64_t packets, std::uint64_t octets, Now now);
void count_not_sent(NotSent& counts, const SessionPreamble& preamble, std::uint16_t template_id,
                    std::span<const std::uint8_t> record, Now now);

}  // namespace ipfix
