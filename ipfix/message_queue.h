// Data Records on their way to the socket: one open message that fills, and finished ones that wait, within a bound.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "ipfix/message_writer.h"

namespace ipfix {

class MessageQueue {
 public:
  enum class Taken : std::uint8_t { yes, full, too_long };

  // limit_octets bounds finished messages and the open one together; a single record is always taken.
  MessageQueue(std::uint32_t observation_domain, std::size_t max_message_octets, std::size_t limit_octets);

  // full: nothing was taken. too_long: longer than any message; it is dropped, and the next message's sequence number
  // steps over it.
  Taken add(std::uint16_t template_id, std::span<const std::uint8_t> record, std::int64_t now_ms);
  bool has_room(std::size_t record_octets) const;

  void finish_open();
  // When the open message got its first record; nullopt: it is empty.
  std::optional<std::int64_t> open_since_ms() const { return open_since_ms_; }

  bool has_finished() const { return !finished_.empty(); }
  const std::deque<Message>& finished() const { return finished_; }
  Message& front() { return finished_.front(); }
  void pop_front();

  bool empty() const { return finished_.empty() && writer_.empty(); }
  std::size_t octets() const { return finished_octets_ + (writer_.empty() ? 0 : writer_.octets()); }
  std::size_t max_record_octets() const { return writer_.max_record_octets(); }

 private:
  bool within_limit(std::size_t added) const { return empty() || octets() + added <= limit_octets_; }

  MessageWriter writer_;
  std::size_t limit_octets_;
  std::deque<Message> finished_;
  std::size_t finished_octets_ = 0;
  std::vector<std::vector<std::uint8_t>> spare_buffers_;  // of sent messages: no allocation in the steady state
  std::optional<std::int64_t> open_since_ms_;
  std::uint32_t records_missing_ = 0;
};

}  // namespace ipfix
