// One non-blocking socket to a collector. Knows no IPFIX: octets go out, errors come back as errno values and, where
// there is more to say, as text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "ipfix/exporting_process.h"

namespace ipfix {

enum class IoStatus : std::uint8_t { done, blocked, failed };

struct IoResult {
  IoStatus status = IoStatus::done;
  std::size_t octets = 0;  // taken; over a stream perhaps fewer than offered
  int error = 0;           // errno, with failed; 0: the collector closed its side, or error_text() knows
};

inline constexpr std::size_t max_datagrams_at_once = 64;

class CollectorSocket {
 public:
  CollectorSocket() = default;
  virtual ~CollectorSocket() = default;
  CollectorSocket(const CollectorSocket&) = delete;
  CollectorSocket& operator=(const CollectorSocket&) = delete;

  // Opens a socket and begins to connect it: done (UDP always, a stream at times), blocked while it lasts.
  virtual IoResult open(const SocketAddress& address) = 0;
  // After open() said blocked, until it is done or failed.
  virtual IoResult finish_connect() = 0;

  // Stream: as much as goes; after blocked the same octets are offered again. UDP: one datagram, whole or not at all.
  virtual IoResult send(std::span<const std::uint8_t> octets) = 0;
  // UDP: up to max_datagrams_at_once of them in turn; octets of the result: how many went. Fewer, and not failed: the
  // next one has to go alone to find out why.
  virtual IoResult send_datagrams(std::span<const std::span<const std::uint8_t>> datagrams);
  // UDP: send_datagrams() costs less for neighbours of one length, of which the last may be shorter.
  virtual bool joins_equal_datagrams() const { return false; }
  // Stream: what a collector sends means nothing and is thrown away; failed with error 0: it closed its side.
  // UDP: takes up an error that an earlier datagram met (ICMP).
  virtual IoResult check_peer() = 0;

  // Octets that the kernel has taken still leave.
  virtual void close() = 0;

  // Stream: octets of this session handed to the kernel so far, and how many of them the collector's host has
  // acknowledged. nullopt: not to be told (any more).
  virtual std::uint64_t octets_written() const { return 0; }
  virtual std::optional<std::uint64_t> octets_acknowledged() const { return std::nullopt; }

  // What a failed result means, for people.
  virtual std::string error_text(const IoResult& result) const;
  // poll(2) events wanted: while connecting; when connected, and what send() waits for after it said blocked.
  virtual short connecting_events() const;
  virtual short blocked_events() const;

  // finish_connect() says blocked only because the collector has not shown yet that it accepts us, which not every
  // collector ever does: the connection can be used all the same.
  virtual bool awaits_confirmation() const { return false; }
  // The last failure was one of authentication: whom we met is not the collector, or the collector refuses us.
  virtual bool authentication_failed() const { return false; }
  // What the session was made with has been replaced (certificates): a new one would be made with what is new.
  virtual bool is_outdated() { return false; }

  bool is_open() const { return fd_ >= 0; }
  int fd() const { return fd_; }

 protected:
  // Reads and clears the socket's pending error.
  IoResult pending_error() const;
  IoResult send_to_kernel(std::span<const std::uint8_t> octets) const;

  int fd_ = -1;
};

// As options.transport says.
std::unique_ptr<CollectorSocket> make_socket(const ExportingOptions& options);

bool is_stream(Transport transport);
const char* to_string(Transport transport);  // "tcp", "udp", "tls"

}  // namespace ipfix
