// The way of accepted records to the message queue: straight, or over a spool, which has every record until the
// collector's host has acknowledged it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "ipfix/exporting_process.h"
#include "ipfix/message_queue.h"
#include "ipfix/session_preamble.h"
#include "ipfix/spool.h"

namespace ipfix {

class RecordIntake {
 public:
  // stats receives what becomes of records here. A spool that cannot be opened is reported there, done without, and
  // tried again.
  RecordIntake(std::optional<SpoolOptions> spool, SessionPreamble& preamble, MessageQueue& queue, ExportingStats& stats,
               Now now);

  // The preamble has it already.
  void add_template(const Template& definition);
  MessageQueue::Taken add(std::uint16_t template_id, std::span<const std::uint8_t> record, Now now);
  // See MessageQueue; empty, too, where records do not go straight into it.
  std::span<std::uint8_t> room(std::uint16_t template_id, std::size_t longest_octets);
  bool has_room(std::size_t record_octets) const;

  // What was accepted is on disk, and as much as fits in the queue.
  void fill_queue(Now now);
  // What the queue is done with, the spool is done with; how it stands goes into the stats.
  void release();
  // A message is about to leave.
  void mark_left(std::uint64_t source_end);

  bool has_spool() const { return spool_ != nullptr; }
  // Every accepted record is in the queue, or gone.
  bool all_in_queue() const { return spool_ == nullptr || spool_->caught_up(); }
  // Every accepted record is on disk or was acknowledged.
  bool commit() { return spool_ != nullptr && spool_->commit(); }

 private:
  void open_spool(std::int64_t now_ms);
  std::optional<std::uint16_t> adopt(const Template& definition);

  std::optional<SpoolOptions> options_;
  SessionPreamble& preamble_;
  MessageQueue& queue_;
  ExportingStats& stats_;
  std::unique_ptr<Spool> spool_;
  std::int64_t open_again_ms_ = 0;
  std::uint64_t last_end_ = 0;  // of the record that was taken last
};

}  // namespace ipfix
