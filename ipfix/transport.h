// One non-blocking socket to a collector. Knows no IPFIX: octets go out, errors come back as errno values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "ipfix/exporting_process.h"

namespace ipfix {

enum class IoStatus : std::uint8_t { done, blocked, failed };

struct IoResult {
  IoStatus status = IoStatus::done;
  std::size_t octets = 0;  // taken by the kernel; over TCP perhaps fewer than offered
  int error = 0;           // errno, with failed
};

class CollectorSocket {
 public:
  CollectorSocket() = default;
  ~CollectorSocket() { close(); }
  CollectorSocket(const CollectorSocket&) = delete;
  CollectorSocket& operator=(const CollectorSocket&) = delete;

  // Opens a socket and begins to connect it: done (UDP always, TCP at times), blocked while the handshake lasts.
  // user_timeout_ms: how long sent octets may stay unacknowledged (TCP_USER_TIMEOUT); 0: as long as the kernel likes.
  IoResult open(Transport transport, const SocketAddress& address, std::int64_t user_timeout_ms);
  // After open() said blocked.
  IoResult finish_connect();

  // TCP: as much as goes; UDP: one datagram, whole or not at all.
  IoResult send(std::span<const std::uint8_t> octets);
  // TCP: what a collector sends means nothing and is thrown away; failed with error 0: it closed its side.
  // UDP: takes up an error that an earlier datagram met (ICMP).
  IoResult check_peer();

  // Octets that the kernel has taken still leave.
  void close();

  bool is_open() const { return fd_ >= 0; }
  int fd() const { return fd_; }

 private:
  IoResult socket_error() const;

  int fd_ = -1;
  Transport transport_ = Transport::tcp;
};

}  // namespace ipfix
