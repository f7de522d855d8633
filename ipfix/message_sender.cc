#include "ipfix/message_sender.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace ipfix {
namespace {

constexpr int max_messages_per_run = 256;
constexpr int datagram_attempts = 3;
constexpr std::int64_t no_buffers_retry_ms = 10;
// RFC 7011 section 8.4: over UDP the first templates are sent several times, as one datagram may be lost.
constexpr int first_preamble_copies = 3;

// Errors that an earlier datagram met and that the socket reports once.
bool about_earlier_datagram(int error) {
  return error == ECONNREFUSED || error == EMSGSIZE;
}

}  // namespace

MessageSender::MessageSender(const ExportingOptions& options, const SessionPreamble& preamble, MessageQueue& queue,
                             ExportingStats& stats, Leaving leaving)
    : options_(options),
      preamble_(preamble),
      queue_(queue),
      stats_(stats),
      leaving_(std::move(leaving)),
      statistics_(options, preamble, queue.max_message_octets(), stats) {}

void MessageSender::begin_session(Now now) {
  end_session(false);
  statistics_.begin_session(now);
  const int copies = is_udp() ? first_preamble_copies : 1;
  for (int copy = 0; copy < copies; ++copy) queue_preamble(0);
  data_messages_since_refresh_ = 0;
  if (is_udp() && options_.template_refresh_ms > 0) next_refresh_ms_ = now.monotonic_ms + options_.template_refresh_ms;
}

void MessageSender::end_session(bool by_reset) {
  stats_.records_resent += queue_.repeat_sent(by_reset);
  octets_gone_ = 0;
  offered_ = false;
  held_ = false;
  stats_.sequence = 0;
  preamble_messages_.clear();
  preamble_parts_queued_ = 0;
  blocked_ = false;
  stopped_early_ = false;
  retry_at_ms_.reset();
  next_refresh_ms_.reset();
}

std::optional<IoResult> MessageSender::run(CollectorSocket& socket, Now now) {
  blocked_ = false;
  stopped_early_ = false;
  one_by_one_ = false;
  retry_at_ms_.reset();
  if (is_udp()) {
    if (const IoResult peer = socket.check_peer(); peer.status == IoStatus::failed) note_udp_error(peer.error, now);
  }
  for (int budget = max_messages_per_run; choose_message(now); --budget) {
    if (budget == 0) {
      stopped_early_ = true;
      break;
    }
    if (const std::size_t size = batch_size(budget); size > 1) {
      if (const std::size_t sent = send_batch(socket, size, now); sent > 0) {
        budget -= static_cast<int>(sent) - 1;
        continue;
      }
    }
    const IoResult result = send_current(socket, now);
    if (result.status == IoStatus::blocked) {
      blocked_ = !retry_at_ms_;
      break;
    }
    if (result.status == IoStatus::failed) {
      if (!is_udp() || !about_earlier_datagram(result.error)) return result;
      if (result.error == EMSGSIZE) {
        drop_current(now);
      } else {
        retry_at_ms_ = now.monotonic_ms + no_buffers_retry_ms;
        break;
      }
    }
  }
  return std::nullopt;
}

// False: nothing to send. Otherwise current() is what to send, or to go on sending.
bool MessageSender::choose_message(Now now) {
  if (octets_gone_ > 0 || offered_) return true;
  if (held_) return false;
  const std::optional<std::int64_t> open_since = queue_.open_since_ms();
  if (!queue_.has_finished() && open_since && *open_since + options_.max_batch_delay_ms <= now.monotonic_ms) {
    queue_.finish_open();
  }
  if (refresh_is_due(now)) {
    queue_preamble(0);
    data_messages_since_refresh_ = 0;
    if (options_.template_refresh_ms > 0) next_refresh_ms_ = now.monotonic_ms + options_.template_refresh_ms;
  } else if (preamble_parts_queued_ < preamble_.parts()) {
    queue_preamble(preamble_parts_queued_);
  }
  if (preamble_messages_.empty()) {
    for (Message& message : statistics_.take_due(now, queue_.empty())) preamble_messages_.push_back(std::move(message));
  }
  lane_ = preamble_messages_.empty() ? Lane::data : Lane::preamble;
  return lane_ == Lane::preamble || queue_.has_finished();
}

bool MessageSender::refresh_is_due(Now now) const {
  if (!is_udp() || !preamble_messages_.empty()) return false;
  const bool by_time = next_refresh_ms_ && *next_refresh_ms_ <= now.monotonic_ms;
  const bool by_count = options_.template_refresh_messages > 0 && queue_.has_finished() &&
                        data_messages_since_refresh_ >= options_.template_refresh_messages;
  return by_time || by_count;
}

void MessageSender::queue_preamble(std::size_t first_part) {
  for (Message& message : preamble_.messages(first_part)) preamble_messages_.push_back(std::move(message));
  preamble_parts_queued_ = preamble_.parts();
}

// How many data messages may leave in one system call: the templates' turn comes after a count of them.
std::size_t MessageSender::batch_size(int budget) const {
  if (!is_udp() || lane_ != Lane::data || one_by_one_) return 1;
  std::size_t size = std::min({queue_.finished(), static_cast<std::size_t>(budget), max_datagrams_at_once});
  if (options_.template_refresh_messages > 0) {
    size = std::min<std::size_t>(size, options_.template_refresh_messages - data_messages_since_refresh_);
  }
  return size;
}

// How many went. None, or fewer than asked for: from there on they go one by one, which tells errors from each other.
std::size_t MessageSender::send_batch(CollectorSocket& socket, std::size_t size, Now now) {
  std::array<std::span<const std::uint8_t>, max_datagrams_at_once> datagrams;
  std::uint32_t sequence = stats_.sequence;
  if (socket.joins_equal_datagrams()) {
    queue_.pad_front(size, [this](std::uint16_t id) { return preamble_.find_template(id); });
  }
  for (std::size_t i = 0; i < size; ++i) {
    Message& message = queue_.front(i);
    sequence += message.records_missing;
    stamp(message, static_cast<std::uint32_t>(now.wall_ms / 1000), sequence);
    sequence += message.data_records;
    datagrams[i] = message.octets;
  }
  if (leaving_) leaving_(queue_.front_source_end(size - 1));
  const IoResult result = socket.send_datagrams(std::span(datagrams).first(size));
  // It is told once. Every other error meets the first message again when that goes alone.
  if (result.status == IoStatus::failed && result.error == ECONNREFUSED) note_udp_error(result.error, now);
  one_by_one_ = result.octets < size;
  for (std::size_t i = 0; i < result.octets; ++i) {
    finish_current(socket);
  }
  if (result.octets > 0) forget_old_error(now);
  return result.octets;
}

IoResult MessageSender::send_current(CollectorSocket& socket, Now now) {
  Message& message = current();
  if (is_between_messages()) {
    stamp(message, static_cast<std::uint32_t>(now.wall_ms / 1000), stats_.sequence + message.records_missing);
    if (leaving_ && lane_ == Lane::data) leaving_(queue_.front_source_end());
  }
  const std::span<const std::uint8_t> rest = std::span(message.octets).subspan(octets_gone_);
  const IoResult result = is_udp() ? send_datagram(socket, message, now) : socket.send(rest);
  offered_ = !is_udp() && result.status == IoStatus::blocked;
  if (result.status != IoStatus::done) return result;
  octets_gone_ += result.octets;
  if (octets_gone_ == message.octets.size()) finish_current(socket);
  return result;
}

IoResult MessageSender::send_datagram(CollectorSocket& socket, const Message& message, Now now) {
  IoResult result;
  for (int attempt = 0; attempt < datagram_attempts; ++attempt) {
    result = socket.send(message.octets);
    if (result.status != IoStatus::failed) break;
    if (result.error == ENOBUFS || result.error == ENOMEM) {
      retry_at_ms_ = now.monotonic_ms + no_buffers_retry_ms;
      return {IoStatus::blocked, 0, 0};
    }
    note_udp_error(result.error, now);
    if (!about_earlier_datagram(result.error)) break;
  }
  if (result.status == IoStatus::done) forget_old_error(now);
  return result;
}

void MessageSender::forget_old_error(Now now) {
  if (now.monotonic_ms - last_error_ms_ >= options_.reconnect_initial_ms) stats_.last_error.clear();
}

void MessageSender::note_udp_error(int error, Now now) {
  ++stats_.send_errors;
  stats_.last_error = "send to udp " + stats_.peer + ": " + std::strerror(error);
  last_error_ms_ = now.monotonic_ms;
  // Nobody listens there: when somebody does again, it knows no templates.
  if (error == ECONNREFUSED && next_refresh_ms_) {
    next_refresh_ms_ = std::min(*next_refresh_ms_, now.monotonic_ms + options_.reconnect_initial_ms);
  }
}

void MessageSender::finish_current(const CollectorSocket& socket) {
  const Message& message = current();
  stats_.sequence += message.records_missing + message.data_records;
  stats_.templates_sent += message.template_records;
  ++stats_.messages_sent;
  stats_.octets_sent += message.octets.size();
  octets_gone_ = 0;
  if (lane_ == Lane::preamble) return preamble_messages_.pop_front();
  stats_.records_sent += message.data_records;
  ++data_messages_since_refresh_;
  if (is_udp()) return queue_.pop_front();
  queue_.front_left(socket.octets_written());
}

// UDP: the kernel will never take it.
void MessageSender::drop_current(Now now) {
  const Message& message = current();
  stats_.sequence += message.records_missing + message.data_records;
  octets_gone_ = 0;
  if (lane_ == Lane::preamble) return preamble_messages_.pop_front();
  stats_.records_lost += message.data_records;
  statistics_.count_lost(message.octets, now);
  queue_.pop_front();
}

void MessageSender::take_acknowledgements(const CollectorSocket& socket) {
  if (!queue_.has_unacknowledged()) return;
  if (const auto octets = socket.octets_acknowledged()) queue_.acknowledge(*octets);
}

std::optional<std::int64_t> MessageSender::next_deadline_ms() const {
  if (blocked_ || held_) return std::nullopt;
  if (retry_at_ms_) return retry_at_ms_;
  const bool last_statistics = statistics_.last_is_due() && queue_.empty();
  if (stopped_early_ || queue_.has_finished() || preamble_parts_queued_ < preamble_.parts() || last_statistics)
    return 0;
  std::optional<std::int64_t> deadline = next_refresh_ms_;
  if (const auto due = statistics_.next_deadline_ms()) deadline = deadline ? std::min(*deadline, *due) : due;
  if (const auto open_since = queue_.open_since_ms()) {
    const std::int64_t batch_deadline = *open_since + options_.max_batch_delay_ms;
    deadline = deadline ? std::min(*deadline, batch_deadline) : batch_deadline;
  }
  return deadline;
}

}  // namespace ipfix
