// The exporting process of one collector: templates, batching, sequence numbers, a bounded queue and a transport
// (RFC 7011 sections 3, 8, 10). Non-blocking; driven by run(now), fd()/events() and next_deadline_ms().
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "ipfix/template.h"

namespace ipfix {

struct Now {
  std::int64_t monotonic_ms = 0;
  std::int64_t wall_ms = 0;  // since the Unix epoch; becomes the messages' export time
};

class TlsContext;  // tls_context.h

enum class Transport : std::uint8_t { tcp, udp, tls };

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
};
// "192.0.2.1" or "2001:db8::1" and a port; nullopt when the text is no numeric address.
std::optional<SocketAddress> numeric_address(const std::string& host, std::uint16_t port);
std::string to_string(const SocketAddress& address);  // "192.0.2.1:4739", "[2001:db8::1]:4739"

// Records kept on disk until the collector's host has acknowledged them (ipfix/spool.h).
struct SpoolOptions {
  std::string folder;  // of this spool alone
  std::uint64_t max_octets = 0;
};

struct SpoolStats {
  std::uint64_t octets = 0;            // on disk now
  std::uint64_t waiting_octets = 0;    // of these, not yet released
  std::uint64_t records_written = 0;   // by this process
  std::uint64_t records_unusable = 0;  // of templates that cannot be sent
  std::uint64_t damaged_octets = 0;    // passed over: torn by a crash, or altered
  std::uint64_t write_errors = 0;
  std::string error;  // of the last write that failed, "" after one that did not
};

struct ExportingOptions {
  Transport transport = Transport::tcp;
  std::uint32_t observation_domain = 0;
  std::size_t max_message_octets_udp = 1400;  // without IP and UDP headers; must fit the path MTU (section 10.3.3)
  // UDP: what waits leaves as few packets that the kernel cuts into the datagrams (UDP_SEGMENT), padded to equal
  // lengths for that: a third of the cost. On the way there are packets longer than the MTU as far as the device that
  // cuts them; captures show them whole, and what does not cut them (a userspace datapath on a veth) loses them.
  bool udp_segmentation = false;
  // Stream. With the headers one packet of the kernel (64 KiB): 65,535 leave a second one of a few octets behind each
  // message, which costs as much as the first.
  std::size_t max_message_octets_tcp = 57'344;
  std::size_t queue_octets = 16u << 20;  // messages waiting for the socket, or for the collector's host to
                                         // acknowledge them; beyond it records are refused
  std::size_t resend_octets = 0;  // stream: of what the collector's host had acknowledged before the collector reset
                                  // the session, so much is sent again: it may not have been read
  std::optional<SpoolOptions> spool = std::nullopt;
  std::int64_t max_batch_delay_ms = 200;           // a record waits no longer than this for its message to fill
  std::int64_t template_refresh_ms = 600'000;      // UDP only (RFC 7011 section 8.4)
  std::uint32_t template_refresh_messages = 1000;  // UDP only, and every so many messages (RFC 5153 section 6.2)
  std::int64_t statistics_interval_ms = 60'000;    // see enable_statistics(); 0: at begin and end of a session only
  std::int64_t reconnect_initial_ms = 1'000;       // doubled after each failure, up to the maximum
  std::int64_t reconnect_max_ms = 60'000;
  std::int64_t connect_timeout_ms = 10'000;  // TCP handshake and, over TLS, that of TLS
  std::int64_t user_timeout_ms = 120'000;    // TCP: a collector that acknowledges nothing for so long is given up;
                                             // 0: the kernel's own limit, about 15 minutes
  // For Transport::tls, which needs it.
  std::shared_ptr<TlsContext> tls = nullptr;
  // TLS 1.3: how long a collector that asked for our certificate is given to refuse it, where it does not show that it
  // accepts it, before anything is sent.
  std::int64_t tls_confirmation_ms = 1'000;
  std::int64_t tls_files_look_ms = 10'000;  // how often it is looked whether the session's certificates were replaced
};

// resolving: the collector has no address yet, and is asked for again. UDP is connected as soon as it has one.
enum class SessionState : std::uint8_t { idle, resolving, connecting, connected, backing_off };

// Flow records that were dropped and never sent, and what they stood for (packetDeltaCount and octetDeltaCount of both
// directions).
struct NotSent {
  std::uint64_t flows = 0;
  std::uint64_t packets = 0;
  std::uint64_t octets = 0;
  std::int64_t first_wall_ms = 0;  // when dropped; 0: none was
  std::int64_t last_wall_ms = 0;
};

// Of the Options Templates (RFC 7011 sections 4.1 and 4.3), see ipfix/statistics_records.h.
struct StatisticsTemplates {
  std::uint16_t sent = 0;
  std::uint16_t not_sent = 0;
  std::uint32_t exporting_process_id = 0;  // element 144: the counts begin anew when it changes
};

struct ExportingStats {
  SessionState state = SessionState::idle;
  std::string peer;        // address in use, "" before the first
  std::string last_error;  // of the last failed attempt, "" after success
  std::int64_t state_since_wall_ms = 0;
  std::size_t queued_octets = 0;  // now
  std::uint64_t records_accepted = 0;
  std::uint64_t records_sent = 0;     // handed to the kernel, those of records_resent each time
  std::uint64_t records_resent = 0;   // sent again, in the session after one that ended before the collector's host had
                                      // acknowledged them: the collector may have them twice
  std::uint64_t records_refused = 0;  // queue full: the caller keeps them
  std::uint64_t records_lost = 0;     // stepped over by the sequence number: in a message that UDP could not send,
                                      // longer than any message, or lose()
  NotSent not_sent;                   // records_lost, and what they stood for
  std::uint64_t records_resumed = 0;  // that a process before this one had left in the spool; not among the accepted
  std::uint64_t messages_sent = 0;
  std::uint64_t octets_sent = 0;  // of those messages
  std::uint64_t templates_sent = 0;
  std::uint64_t connects = 0;  // sessions that came up
  std::uint64_t connect_failures = 0;
  std::uint64_t authentication_failures = 0;  // TLS: of connects and sessions, as RFC 7011 section 11.6 asks
  std::uint64_t send_errors = 0;
  std::uint32_t sequence = 0;  // of the next message
  SpoolStats spool;            // zeros without one
};

class ExportingProcess {
 public:
  // Asked at every connect; nullopt: no address now (unresolved), tried again with backoff. error says why.
  using AddressSource = std::function<std::optional<SocketAddress>(std::string& error)>;

  ExportingProcess(ExportingOptions options, AddressSource address, Now now);
  ~ExportingProcess();  // closes without flushing; flush() first. A spool keeps what was not acknowledged
  ExportingProcess(const ExportingProcess&) = delete;
  ExportingProcess& operator=(const ExportingProcess&) = delete;

  // Before the first record of it. Sent ahead of data in every session, in the order of the add_… calls. False, and
  // nothing changes: the id is below 256 or taken, there is no field, or it is longer than a message.
  bool add_template(Template definition);
  // A Data Record that belongs to the templates rather than to the flows (RFC 5610 type records): sent with them in
  // every session and refresh. False: its template is not known yet, or it is longer than a message.
  bool add_session_record(std::uint16_t template_id, std::span<const std::uint8_t> record);

  // Has every session tell how much was sent and what was not: at its begin, then at the interval of the options, and
  // at its end after finish(). Adds the two templates; false: an id is below 256 or taken.
  bool enable_statistics(const StatisticsTemplates& templates);

  // Takes one encoded Data Record; false: the queue is full, nothing was taken. Records of one template are batched
  // into one set, sets into messages of at most the maximum size. While no session is up the queue fills. A record
  // longer than max_record_octets() can never leave: it is taken, and counted as lost.
  bool export_record(std::uint16_t template_id, std::span<const std::uint8_t> record, Now now);
  // Where to encode the next record of this template, of at most so many octets, so that export_record() need not copy
  // it; empty: anywhere else. Valid until the next call of anything that is not const.
  std::span<std::uint8_t> room(std::uint16_t template_id, std::size_t longest_octets);
  // Records that were to go to this collector and could not be kept for it: counted as lost, and told to it by the
  // sequence number (RFC 7011 section 3.1) and by the statistics, with the packets and octets they stood for.
  void lose(std::uint32_t records, std::uint64_t packets, std::uint64_t octets, Now now);
  void lose(std::uint16_t template_id, std::span<const std::uint8_t> record, Now now);
  // Room for at least one more record of this size.
  bool can_accept(std::size_t record_octets) const;
  std::size_t max_record_octets() const;

  void run(Now now);
  // Closes the current message, so that run() sends it now.
  void flush(Now now);
  // No record follows: flush(), and the statistics once more after everything else.
  void finish(Now now);
  // Everything accepted has left, and over a stream the collector's host has acknowledged it. With a spool and no
  // session: it is on disk. After finish() the last statistics have left too, if a session is up.
  bool drained() const;
  // What has not and is in no spool: every such record, oldest first. For a process that ends, to
  // hand to its successor. Closes the current message.
  void for_each_unsent(
      const std::function<void(std::uint16_t template_id, std::span<const std::uint8_t> record)>& visit);

  int fd() const;        // -1: none
  short events() const;  // poll(2) events wanted on fd()
  std::optional<std::int64_t> next_deadline_ms() const;
  const ExportingStats& stats() const;
  const TlsContext* tls() const;  // as in the options; nullptr: not over TLS

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ipfix
