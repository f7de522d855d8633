#include "ipfix/tcp_socket.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace ipfix {
namespace {

// Of what a collector sends, at most this many reads per call.
constexpr int max_discarding_reads = 8;

void set_option(int fd, int level, int name, int value) {
  // These options only improve on a default: a kernel that lacks one still exports.
  static_cast<void>(setsockopt(fd, level, name, &value, sizeof value));
}

void set_options(int fd, std::int64_t user_timeout_ms) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);  // messages are batched already
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);  // a collector that vanished while nothing is sent
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 60);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 10);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 6);
  if (user_timeout_ms > 0) set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(user_timeout_ms));
}

// A connect to a free local port may meet itself (simultaneous open, RFC 9293 section 3.5).
bool connected_to_itself(int fd) {
  sockaddr_storage local{};
  sockaddr_storage peer{};
  socklen_t local_length = sizeof local;
  socklen_t peer_length = sizeof peer;
  return getsockname(fd, reinterpret_cast<sockaddr*>(&local), &local_length) == 0 &&
         getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &peer_length) == 0 && local_length == peer_length &&
         std::memcmp(&local, &peer, local_length) == 0;
}

}  // namespace

IoResult TcpSocket::open(const SocketAddress& address) {
  TcpSocket::close();
  written_ = 0;
  fd_ = socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return {IoStatus::failed, 0, errno};
  set_options(fd_, user_timeout_ms_);
  if (connect(fd_, reinterpret_cast<const sockaddr*>(&address.storage), address.length) == 0) return {};
  if (errno == EINPROGRESS) return {IoStatus::blocked, 0, 0};
  return {IoStatus::failed, 0, errno};
}

IoResult TcpSocket::finish_connect() {
  pollfd wanted{fd_, POLLOUT, 0};
  const int ready = poll(&wanted, 1, 0);
  if (ready == 0 || (ready < 0 && errno == EINTR)) return {IoStatus::blocked, 0, 0};
  if (ready < 0) return {IoStatus::failed, 0, errno};
  const IoResult result = pending_error();
  if (result.status == IoStatus::done && connected_to_itself(fd_)) return {IoStatus::failed, 0, ECONNREFUSED};
  return result;
}

IoResult TcpSocket::send(std::span<const std::uint8_t> octets) {
  const IoResult result = send_to_kernel(octets);
  written_ += result.octets;
  return result;
}

IoResult TcpSocket::check_peer() {
  std::array<std::uint8_t, 4096> discarded;
  for (int reads = 0; reads < max_discarding_reads;) {
    const ssize_t received = recv(fd_, discarded.data(), discarded.size(), MSG_DONTWAIT);
    if (received == 0) return {IoStatus::failed, 0, 0};
    if (received > 0) {
      ++reads;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return {};
    } else if (errno != EINTR) {
      return {IoStatus::failed, 0, errno};
    }
  }
  return {};
}

void TcpSocket::close() {
  if (fd_ < 0) return;
  // Unread input would turn the close into a reset that destroys what is still on its way to the collector.
  static_cast<void>(TcpSocket::check_peer());
  static_cast<void>(shutdown(fd_, SHUT_RDWR));
  ::close(fd_);
  fd_ = -1;
}

// SIOCOUTQ (linux/sockios.h, tcp(7)): octets in the send queue that are sent and not acknowledged, or not sent.
std::optional<std::uint64_t> TcpSocket::octets_acknowledged() const {
  int waiting = 0;
  if (fd_ < 0 || ioctl(fd_, SIOCOUTQ, &waiting) != 0 || waiting < 0) return std::nullopt;
  return octets_written() - static_cast<std::uint64_t>(waiting);
}

}  // namespace ipfix
