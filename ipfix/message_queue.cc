#include "ipfix/message_queue.h"

#include <cassert>
#include <utility>

namespace ipfix {
namespace {

constexpr std::size_t max_spare_octets = 512u << 10;  // several turns' messages, long or short

}  // namespace

MessageQueue::MessageQueue(std::uint32_t observation_domain, std::size_t max_message_octets, QueueLimits limits)
    : writer_(observation_domain, max_message_octets), limits_(limits) {
  spare_buffers_.reserve(max_spare_buffers());
}

std::size_t MessageQueue::max_spare_buffers() const {
  return max_spare_octets / writer_.max_octets() + 1;
}

MessageQueue::Taken MessageQueue::add(std::uint16_t template_id, std::span<const std::uint8_t> record,
                                      std::int64_t now_ms, std::uint64_t source_end) {
  if (record.size() > writer_.max_record_octets()) {
    ++records_missing_;
    return Taken::too_long;
  }
  std::size_t added = writer_.octets_added(template_id, record.size());
  const bool fits = writer_.fits(template_id, record.size());
  if (writer_.empty() || !fits) added = message_header_octets + set_header_octets + record.size();
  if (!within_limit(added)) return Taken::full;
  if (!fits) finish_open();
  if (!open_since_ms_) open_since_ms_ = now_ms;
  writer_.add_record(template_id, record);
  open_source_end_ = source_end;
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
  octets_ += message.octets.size();
  queued_.push_back({std::move(message), open_source_end_, 0, 0});
  open_since_ms_.reset();
}

void MessageQueue::pad_front(std::size_t count, const FindTemplate& find_template) {
  std::vector<PaddedMessage> messages;
  messages.reserve(count);
  for (std::size_t i = 0; i < count; ++i) messages.push_back({&front(i), padding_allowed(front(i), find_template)});
  octets_ += pad_to_runs(messages);
}

void MessageQueue::pop_front() {
  assert(sent_ == 0);
  octets_ -= queued_.front().message.octets.size();
  release_oldest();
}

void MessageQueue::acknowledge(std::uint64_t stream_octets) {
  for (; acknowledged_ < sent_ && queued_[acknowledged_].stream_end <= stream_octets; ++acknowledged_) {
    octets_ -= queued_[acknowledged_].message.octets.size();
    retained_octets_ += queued_[acknowledged_].message.octets.size();
  }
  const auto has_oldest_to_release = [this] {
    return retained_octets_ > limits_.retained_octets || (acknowledged_ > 0 && queued_.front().repeats == max_repeats);
  };
  while (has_oldest_to_release()) {
    retained_octets_ -= queued_.front().message.octets.size();
    --acknowledged_;
    --sent_;
    release_oldest();
  }
}

void MessageQueue::drop_retained() {
  for (; acknowledged_ > 0; --acknowledged_, --sent_) release_oldest();
  retained_octets_ = 0;
}

std::uint64_t MessageQueue::repeat_sent(bool and_retained) {
  if (!and_retained) drop_retained();
  octets_ += std::exchange(retained_octets_, 0);
  std::uint64_t records = 0;
  for (std::size_t i = 0; i < sent_; ++i) {
    queued_[i].repeats += i < acknowledged_;
    records += queued_[i].message.data_records;
    queued_[i].message.records_missing = 0;  // the last session's collector was told
  }
  acknowledged_ = sent_ = 0;
  return records;
}

void MessageQueue::release_oldest() {
  Queued& oldest = queued_.front();
  released_ = oldest.source_end;
  if (spare_buffers_.size() < max_spare_buffers()) spare_buffers_.push_back(std::move(oldest.message.octets));
  queued_.pop_front();
}

void MessageQueue::for_each_unacknowledged(const std::function<void(const Message& message)>& visit) const {
  for (std::size_t i = acknowledged_; i < queued_.size(); ++i) visit(queued_[i].message);
}

}  // namespace ipfix
