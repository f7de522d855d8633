#include "ipfix/transport.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "ipfix/tcp_socket.h"
#include "ipfix/tls_socket.h"
#include "ipfix/udp_socket.h"

namespace ipfix {

IoResult CollectorSocket::send_datagrams(std::span<const std::span<const std::uint8_t>> datagrams) {
  std::size_t sent = 0;
  for (const std::span<const std::uint8_t> datagram : datagrams) {
    const IoResult result = send(datagram);
    if (result.status == IoStatus::failed && sent == 0) return result;
    if (result.status != IoStatus::done) break;
    ++sent;
  }
  return {IoStatus::done, sent, 0};
}

std::string CollectorSocket::error_text(const IoResult& result) const {
  return result.error == 0 ? "closed by the collector" : std::strerror(result.error);
}

short CollectorSocket::connecting_events() const {
  return POLLOUT;
}

short CollectorSocket::blocked_events() const {
  return POLLOUT;
}

IoResult CollectorSocket::pending_error() const {
  int error = 0;
  socklen_t length = sizeof error;
  if (getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
  return error == 0 ? IoResult{} : IoResult{IoStatus::failed, 0, error};
}

IoResult CollectorSocket::send_to_kernel(std::span<const std::uint8_t> octets) const {
  for (;;) {
    const ssize_t sent = ::send(fd_, octets.data(), octets.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return {IoStatus::done, static_cast<std::size_t>(sent), 0};
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {IoStatus::blocked, 0, 0};
    if (errno != EINTR) return {IoStatus::failed, 0, errno};
  }
}

std::unique_ptr<CollectorSocket> make_socket(const ExportingOptions& options) {
  if (options.transport == Transport::udp) return std::make_unique<UdpSocket>(options.udp_segmentation);
  if (options.transport == Transport::tls) return std::make_unique<TlsSocket>(options.user_timeout_ms, options.tls);
  return std::make_unique<TcpSocket>(options.user_timeout_ms);
}

bool is_stream(Transport transport) {
  return transport != Transport::udp;
}

const char* to_string(Transport transport) {
  switch (transport) {
    case Transport::tcp:
      return "tcp";
    case Transport::udp:
      return "udp";
    case Transport::tls:
      return "tls";
  }
  return "unknown";
}

}  // namespace ipfix
