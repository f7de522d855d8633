#include "ipfix/message_queue.h"

#include <utility>

namespace ipfix {
namespace {

constexpr std::size_t max_spare_buffers = 8;

}  // namespace

MessageQueue::MessageQueue(std::uint32_t observation_domain, std::size_t max_message_octets, std::size_t limit_octets)
    : writer_(observation_domain, max_message_octets), limit_octets_(limit_octets) {
  spare_buffers_.reserve(max_spare_buffers);
}

MessageQueue::Taken MessageQueue::add(std::uint16_t template_id, std::span<const std::uint8_t> record,
                                      std::int64_t now_ms) {
  if (record.size() > writer_.max_record_octets()) {
    ++records_missing_;
    return Taken::too_long;
  }
  std::size_t added = writer_.octets_added(template_id, record.size());
  const bool fits = writer_.octets() + added <= writer_.max_octets();
  if (writer_.empty() || !fits) added = message_header_octets + set_header_octets + record.size();
  if (!within_limit(added)) return Taken::full;
  if (!fits) finish_open();
  if (!open_since_ms_) open_since_ms_ = now_ms;
  writer_.add_record(template_id, record);
  return Taken::yes;
}

bool MessageQueue::has_room(std::size_t record_octets) const {
  return record_octets > writer_.max_record_octets() ||
         within_limit(message_header_octets + set_header_octets + record_octets);
}

void MessageQueue::finish_open() {
  if (writer_.empty()) return;
  std::vector<std::uint8_t> buffer;
  if (!spare_buffers_.empty()) {
    buffer = std::move(spare_buffers_.back());
    spare_buffers_.pop_back();
  }
  Message message = writer_.take(std::move(buffer));
  message.records_missing = std::exchange(records_missing_, 0);
  finished_octets_ += message.octets.size();
  finished_.push_back(std::move(message));
  open_since_ms_.reset();
}

void MessageQueue::pop_front() {
  Message& sent = finished_.front();
  finished_octets_ -= sent.octets.size();
  if (spare_buffers_.size() < max_spare_buffers) spare_buffers_.push_back(std::move(sent.octets));
  finished_.pop_front();
}

}  // namespace ipfix
