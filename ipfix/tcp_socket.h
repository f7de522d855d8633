// A TCP connection (RFC 7011 section 10.4).
#pragma once

#include <cstdint>

#include "ipfix/transport.h"

namespace ipfix {

class TcpSocket : public CollectorSocket {
 public:
  // user_timeout_ms: how long sent octets may stay unacknowledged (TCP_USER_TIMEOUT); 0: as long as the kernel likes.
  explicit TcpSocket(std::int64_t user_timeout_ms) : user_timeout_ms_(user_timeout_ms) {}
  ~TcpSocket() override { TcpSocket::close(); }

  IoResult open(const SocketAddress& address) override;
  IoResult finish_connect() override;
  IoResult send(std::span<const std::uint8_t> octets) override;
  IoResult check_peer() override;
  void close() override;
  std::uint64_t octets_written() const override { return written_; }
  std::optional<std::uint64_t> octets_acknowledged() const override;

 private:
  std::int64_t user_timeout_ms_;
  std::uint64_t written_ = 0;
};

}  // namespace ipfix
