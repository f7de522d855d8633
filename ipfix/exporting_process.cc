#include "ipfix/exporting_process.h"

#include <poll.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <utility>

#include "ipfix/message_queue.h"
#include "ipfix/message_records.h"
#include "ipfix/message_sender.h"
#include "ipfix/reconnect_schedule.h"
#include "ipfix/record_intake.h"
#include "ipfix/session_preamble.h"
#include "ipfix/session_renewal.h"
#include "ipfix/statistics_records.h"
#include "ipfix/transport.h"

namespace ipfix {
namespace {

constexpr std::size_t max_udp_payload_octets = 65507;  // 65,535 less the IPv4 and UDP headers

std::size_t message_limit(const ExportingOptions& options) {
  return is_stream(options.transport) ? options.max_message_octets_tcp
                                      : std::min(options.max_message_octets_udp, max_udp_payload_octets);
}

// How often a stream's acknowledgements are looked at: to free memory, and while somebody waits for the last of them.
constexpr std::int64_t acknowledgement_look_ms = 1'000;
constexpr std::int64_t draining_look_ms = 5;

bool same_address(const SocketAddress& a, const SocketAddress& b) {
  return a.length == b.length && to_string(a) == to_string(b);
}

}  // namespace

struct ExportingProcess::Impl {
  Impl(ExportingOptions with, AddressSource source, Now now)
      : options(with),
        address_source(std::move(source)),
        preamble(options.observation_domain, message_limit(options)),
        queue(options.observation_domain, message_limit(options), {options.queue_octets, options.resend_octets}),
        intake(options.spool, preamble, queue, stats, now),
        sender(options, preamble, queue, stats, [this](std::uint64_t source_end) { intake.mark_left(source_end); }),
        renewal(options),
        schedule(options.reconnect_initial_ms, options.reconnect_max_ms),
        socket(make_socket(options)),
        next_attempt_ms(now.monotonic_ms) {
    stats.state_since_wall_ms = now.wall_ms;
  }

  void run(Now now);
  void start_session(Now now);
  void continue_connecting(IoResult result, Now now);
  void session_is_up(Now now);
  void serve_session(Now now);
  void attempt_failed(SessionState state, std::string error, Now now);
  void session_failed(const char* what, const IoResult& why, Now now);
  void check_udp_address(std::uint64_t errors_before, Now now);
  void connect_again(Now now);
  void set_state(SessionState state, Now now);
  std::optional<std::int64_t> next_deadline_ms() const;
  std::string what_on_peer(const char* what) const;

  ExportingOptions options;
  AddressSource address_source;
  ExportingStats stats;
  SessionPreamble preamble;
  MessageQueue queue;
  RecordIntake intake;
  MessageSender sender;
  SessionRenewal renewal;
  ReconnectSchedule schedule;
  std::unique_ptr<CollectorSocket> socket;
  SocketAddress address;
  std::int64_t next_attempt_ms;          // while there is no session
  std::int64_t connect_deadline_ms = 0;  // while connecting
  std::optional<std::int64_t> confirmation_deadline_ms;
  std::int64_t connected_since_ms = 0;
  std::int64_t last_run_ms = 0;
  bool draining = false;                   // since flush(): somebody waits for the acknowledgements
  bool finishing = false;                  // since finish()
  std::int64_t next_address_check_ms = 0;  // UDP: its session has no end at which to ask again
};

void ExportingProcess::Impl::run(Now now) {
  last_run_ms = now.monotonic_ms;
  intake.fill_queue(now);
  if (draining && intake.all_in_queue()) queue.finish_open();
  if (finishing && intake.all_in_queue()) sender.statistics().finish();
  switch (stats.state) {
    case SessionState::idle:
    case SessionState::resolving:
    case SessionState::backing_off:
      if (now.monotonic_ms >= next_attempt_ms) start_session(now);
      break;
    case SessionState::connecting:
      continue_connecting(socket->finish_connect(), now);
      break;
    case SessionState::connected:
      break;
  }
  if (stats.state == SessionState::connected) serve_session(now);
}

void ExportingProcess::Impl::start_session(Now now) {
  std::string error;
  const std::optional<SocketAddress> found = address_source(error);
  if (!found) return attempt_failed(SessionState::resolving, "find the collector's address: " + error, now);
  address = *found;
  stats.peer = to_string(address);
  connect_deadline_ms = now.monotonic_ms + options.connect_timeout_ms;
  confirmation_deadline_ms.reset();
  continue_connecting(socket->open(address), now);
}

void ExportingProcess::Impl::continue_connecting(IoResult result, Now now) {
  if (result.status == IoStatus::blocked && socket->awaits_confirmation()) {
    if (!confirmation_deadline_ms) confirmation_deadline_ms = now.monotonic_ms + options.tls_confirmation_ms;
    if (now.monotonic_ms >= *confirmation_deadline_ms) result = {};
  }
  if (result.status == IoStatus::blocked && now.monotonic_ms >= connect_deadline_ms) {
    result = {IoStatus::failed, 0, ETIMEDOUT};
  }
  switch (result.status) {
    case IoStatus::done:
      return session_is_up(now);
    case IoStatus::blocked:
      return set_state(SessionState::connecting, now);
    case IoStatus::failed: {
      std::string error = what_on_peer("connect") + socket->error_text(result);
      stats.authentication_failures += socket->authentication_failed();
      socket->close();
      return attempt_failed(SessionState::backing_off, std::move(error), now);
    }
  }
}

void ExportingProcess::Impl::session_is_up(Now now) {
  ++stats.connects;
  stats.last_error.clear();
  connected_since_ms = now.monotonic_ms;
  next_address_check_ms = now.monotonic_ms + std::max(options.template_refresh_ms, options.reconnect_max_ms);
  sender.begin_session(now);
  renewal.begin_session(now);
  set_state(SessionState::connected, now);
}

void ExportingProcess::Impl::serve_session(Now now) {
  if (is_stream(options.transport)) {
    const IoResult peer = socket->check_peer();
    if (peer.status == IoStatus::failed) return session_failed("export", peer, now);
    sender.take_acknowledgements(*socket);
  }
  const std::uint64_t errors_before = stats.send_errors;
  if (const std::optional<IoResult> failure = sender.run(*socket, now)) {
    // Over UDP the sender has counted it.
    if (is_stream(options.transport)) ++stats.send_errors;
    return session_failed("send", *failure, now);
  }
  if (options.transport == Transport::udp) check_udp_address(errors_before, now);
  if (renewal.is_due(*socket, sender, now)) connect_again(now);
}

void ExportingProcess::Impl::attempt_failed(SessionState state, std::string error, Now now) {
  ++stats.connect_failures;
  stats.last_error = std::move(error);
  next_attempt_ms = schedule.next_attempt_ms(now.monotonic_ms, 0);
  set_state(state, now);
}

void ExportingProcess::Impl::session_failed(const char* what, const IoResult& why, Now now) {
  stats.last_error = what_on_peer(what) + socket->error_text(why);
  stats.authentication_failures += socket->authentication_failed();
  sender.take_acknowledgements(*socket);  // the kernel keeps the numbers until the socket is closed
  socket->close();
  sender.end_session(why.error != 0);
  next_attempt_ms = schedule.next_attempt_ms(now.monotonic_ms, now.monotonic_ms - connected_since_ms);
  set_state(SessionState::backing_off, now);
}

// A collector reached over UDP may move without anybody hearing of it: its address is asked for again now and then, and
// sooner when sending meets errors.
void ExportingProcess::Impl::check_udp_address(std::uint64_t errors_before, Now now) {
  if (stats.send_errors != errors_before) {
    next_address_check_ms = std::min(next_address_check_ms, now.monotonic_ms + options.reconnect_max_ms);
  }
  if (now.monotonic_ms < next_address_check_ms) return;
  next_address_check_ms = now.monotonic_ms + std::max(options.template_refresh_ms, options.reconnect_max_ms);
  std::string ignored_error;  // the address in use may still be good
  const std::optional<SocketAddress> found = address_source(ignored_error);
  if (!found || same_address(*found, address)) return;
  connect_again(now);
}

void ExportingProcess::Impl::connect_again(Now now) {
  sender.take_acknowledgements(*socket);
  socket->close();
  sender.end_session(false);
  start_session(now);
}

void ExportingProcess::Impl::set_state(SessionState state, Now now) {
  if (state == stats.state) return;
  stats.state = state;
  stats.state_since_wall_ms = now.wall_ms;
}

std::optional<std::int64_t> ExportingProcess::Impl::next_deadline_ms() const {
  switch (stats.state) {
    case SessionState::idle:
    case SessionState::resolving:
    case SessionState::backing_off:
      return next_attempt_ms;
    case SessionState::connecting:
      return std::min(connect_deadline_ms, confirmation_deadline_ms.value_or(connect_deadline_ms));
    case SessionState::connected:
      break;
  }
  std::optional<std::int64_t> deadline = sender.next_deadline_ms();
  if (!intake.all_in_queue() && queue.has_room(queue.max_record_octets())) deadline = 0;  // more to read
  if (is_stream(options.transport)) {
    // poll(2) does not tell of acknowledgements.
    const std::int64_t next_look_ms = last_run_ms + (draining ? draining_look_ms : acknowledgement_look_ms);
    if (queue.has_unacknowledged()) deadline = std::min(deadline.value_or(next_look_ms), next_look_ms);
    if (const auto renewal_ms = renewal.next_deadline_ms())
      deadline = std::min(deadline.value_or(*renewal_ms), *renewal_ms);
    return deadline;
  }
  return deadline ? std::min(*deadline, next_address_check_ms) : next_address_check_ms;
}

std::string ExportingProcess::Impl::what_on_peer(const char* what) const {
  return std::string(what) + " to " + to_string(options.transport) + " " + stats.peer + ": ";
}

ExportingProcess::ExportingProcess(ExportingOptions options, AddressSource address, Now now)
    : impl_(std::make_unique<Impl>(options, std::move(address), now)) {}

ExportingProcess::~ExportingProcess() {
  if (!impl_->intake.has_spool()) return;
  if (impl_->stats.state == SessionState::connected) impl_->sender.take_acknowledgements(*impl_->socket);
  impl_->queue.drop_retained();
  impl_->intake.release();
  impl_->intake.commit();
}

bool ExportingProcess::add_template(Template definition) {
  if (!impl_->preamble.add_template(definition)) return false;
  impl_->intake.add_template(definition);
  return true;
}

bool ExportingProcess::add_session_record(std::uint16_t template_id, std::span<const std::uint8_t> record) {
  return impl_->preamble.add_record(template_id, record);
}

bool ExportingProcess::export_record(std::uint16_t template_id, std::span<const std::uint8_t> record, Now now) {
  assert(impl_->preamble.has_template(template_id));
  ExportingStats& stats = impl_->stats;
  const MessageQueue::Taken taken = impl_->intake.add(template_id, record, now);
  if (taken == MessageQueue::Taken::full) {
    ++stats.records_refused;
    return false;
  }
  ++stats.records_accepted;
  impl_->draining = false;
  if (taken == MessageQueue::Taken::too_long) {
    ++stats.records_lost;
    count_not_sent(stats.not_sent, impl_->preamble, template_id, record, now);
    stats.last_error = "export a record of template " + std::to_string(template_id) + ": its " +
                       std::to_string(record.size()) + " octets are more than the " +
                       std::to_string(max_record_octets()) + " of a message";
  }
  stats.queued_octets = impl_->queue.octets();
  return true;
}

std::span<std::uint8_t> ExportingProcess::room(std::uint16_t template_id, std::size_t longest_octets) {
  return impl_->intake.room(template_id, longest_octets);
}

void ExportingProcess::lose(std::uint32_t records, std::uint64_t packets, std::uint64_t octets, Now now) {
  impl_->queue.step_over(records);
  impl_->stats.records_lost += records;
  count_not_sent(impl_->stats.not_sent, records, packets, octets, now);
}

void ExportingProcess::lose(std::uint16_t template_id, std::span<const std::uint8_t> record, Now now) {
  impl_->queue.step_over(1);
  ++impl_->stats.records_lost;
  count_not_sent(impl_->stats.not_sent, impl_->preamble, template_id, record, now);
}

bool ExportingProcess::can_accept(std::size_t record_octets) const {
  return impl_->intake.has_room(record_octets);
}

std::size_t ExportingProcess::max_record_octets() const {
  return impl_->queue.max_record_octets();
}

void ExportingProcess::run(Now now) {
  impl_->run(now);
  impl_->intake.release();
  impl_->stats.queued_octets = impl_->queue.octets();
}

void ExportingProcess::flush(Now) {
  impl_->queue.finish_open();
  impl_->draining = true;
}

void ExportingProcess::finish(Now now) {
  flush(now);
  impl_->finishing = true;
  if (impl_->intake.all_in_queue()) impl_->sender.statistics().finish();
}

bool ExportingProcess::drained() const {
  const bool connected = impl_->stats.state == SessionState::connected;
  if (connected && impl_->sender.owes_statistics()) return false;
  if (impl_->queue.empty() && impl_->intake.all_in_queue()) return true;
  return impl_->stats.state != SessionState::connected && impl_->intake.commit();
}

bool ExportingProcess::enable_statistics(const StatisticsTemplates& templates) {
  if (!add_template(sent_statistics_template(templates.sent))) return false;
  if (!add_template(not_sent_statistics_template(templates.not_sent))) return false;
  impl_->sender.statistics().enable(templates);
  return true;
}

void ExportingProcess::for_each_unsent(
    const std::function<void(std::uint16_t template_id, std::span<const std::uint8_t> record)>& visit) {
  if (impl_->intake.has_spool()) return;
  impl_->queue.finish_open();
  const auto find_template = [this](std::uint16_t id) { return impl_->preamble.find_template(id); };
  impl_->queue.for_each_unacknowledged(
      [&](const Message& message) { for_each_record(message.octets, find_template, visit); });
}

int ExportingProcess::fd() const {
  return impl_->socket->fd();
}

short ExportingProcess::events() const {
  const CollectorSocket& socket = *impl_->socket;
  if (!socket.is_open()) return 0;
  if (impl_->stats.state == SessionState::connecting) return socket.connecting_events();
  const int blocked = impl_->sender.wants_to_write() ? socket.blocked_events() : 0;
  const int read = is_stream(impl_->options.transport) ? POLLIN | POLLRDHUP : 0;
  return static_cast<short>(read | blocked);
}

std::optional<std::int64_t> ExportingProcess::next_deadline_ms() const {
  return impl_->next_deadline_ms();
}

const ExportingStats& ExportingProcess::stats() const {
  return impl_->stats;
}

const TlsContext* ExportingProcess::tls() const {
  return impl_->options.tls.get();
}

}  // namespace ipfix
