// Data Records on their way to the collector: finished messages that left and may have to leave again, finished ones
// that wait, and one open message that fills; within a bound.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "ipfix/message_padding.h"
#include "ipfix/message_writer.h"

namespace ipfix {

struct QueueLimits {
  std::size_t octets = 16u << 20;   // finished messages and the open one together; a single record is always taken
  std::size_t retained_octets = 0;  // of acknowledged messages, kept in addition for repeat_sent()
};

class MessageQueue {
 public:
  static constexpr std::uint8_t max_repeats = 3;
  enum class Taken : std::uint8_t { yes, full, too_long };

  MessageQueue(std::uint32_t observation_domain, std::size_t max_message_octets, QueueLimits limits);

  // full: nothing was taken. too_long: longer than any message; it is dropped, and the next message's sequence number
  // steps over it. source_end: where its source may go on after it (see released()).
  Taken add(std::uint16_t template_id, std::span<const std::uint8_t> record, std::int64_t now_ms,
            std::uint64_t source_end = 0);
  // As MessageWriter has it: a record encoded there is not copied by add().
  std::span<std::uint8_t> room(std::uint16_t template_id, std::size_t longest_octets) {
    return writer_.room(template_id, longest_octets);
  }
  bool has_room(std::size_t record_octets) const;
  // Records that were to come here and do not: the next message's sequence number steps over them.
  void step_over(std::uint32_t records) { records_missing_ += records; }

  void finish_open();
  // When the open message got its first record; nullopt: it is empty.
  std::optional<std::int64_t> open_since_ms() const { return open_since_ms_; }

  // The first message that waits.
  bool has_finished() const { return sent_ < queued_.size(); }
  std::size_t finished() const { return queued_.size() - sent_; }
  Message& front(std::size_t index = 0) { return queued_[sent_ + index].message; }
  // The first so many that wait become of one length, as far as padding allows (message_padding.h).
  void pad_front(std::size_t count, const FindTemplate& find_template);
  // It is done with, where nobody acknowledges: sent, or given up.
  void pop_front();
  std::uint64_t front_source_end(std::size_t index = 0) const { return queued_[sent_ + index].source_end; }
  // It was handed to the kernel and ends at this octet of the session's stream.
  void front_left(std::uint64_t stream_end) { queued_[sent_++].stream_end = stream_end; }

  // The collector's host has the stream up to here.
  void acknowledge(std::uint64_t stream_octets);
  // What was acknowledged is done with, retained or not.
  void drop_retained();
  bool has_unacknowledged() const { return acknowledged_ < sent_; }
  // What left and was not acknowledged waits again; and_retained: what was acknowledged and is still here, too, but no
  // message more than max_repeats times, so that a collector that ends every session early gets on. Otherwise that is
  // done with. Returns how many records will leave once more.
  std::uint64_t repeat_sent(bool and_retained);

  // Every record up to this source_end is done with; nothing below it will be asked for again.
  std::uint64_t released() const { return released_; }

  // Whole messages not acknowledged, oldest first.
  void for_each_unacknowledged(const std::function<void(const Message& message)>& visit) const;
  // Nothing waits, and nothing is unacknowledged.
  bool empty() const { return acknowledged_ == queued_.size() && writer_.empty(); }
  std::size_t octets() const { return octets_ + (writer_.empty() ? 0 : writer_.octets()); }  // not the retained ones
  std::size_t max_record_octets() const { return writer_.max_record_octets(); }
  std::size_t max_message_octets() const { return writer_.max_octets(); }

 private:
  struct Queued {
    Message message;
    std::uint64_t source_end = 0;
    std::uint64_t stream_end = 0;
    std::uint8_t repeats = 0;  // after it had been acknowledged
  };

  bool within_limit(std::size_t added) const { return empty() || octets() + added <= limits_.octets; }
  void release_oldest();
  std::size_t max_spare_buffers() const;

  MessageWriter writer_;
  QueueLimits limits_;
  // [0, acknowledged_) retained, [acknowledged_, sent_) left, [sent_, end) waiting.
  std::deque<Queued> queued_;
  std::size_t acknowledged_ = 0, sent_ = 0;
  std::size_t octets_ = 0, retained_octets_ = 0;
  std::uint64_t released_ = 0, open_source_end_ = 0;
  std::vector<std::vector<std::uint8_t>> spare_buffers_;  // of sent messages: no allocation in the steady state
  std::optional<std::int64_t> open_since_ms_;
  std::uint32_t records_missing_ = 0;
};

}  // namespace ipfix
