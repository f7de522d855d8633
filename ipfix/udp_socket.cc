#include "ipfix/udp_socket.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace ipfix {

IoResult UdpSocket::open(const SocketAddress& address) {
  close();
  fd_ = socket(address.storage.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return {IoStatus::failed, 0, errno};
  if (connect(fd_, reinterpret_cast<const sockaddr*>(&address.storage), address.length) == 0) return {};
  return {IoStatus::failed, 0, errno};
}

// sendmmsg(2) tells an error only when it met the first datagram; one that stopped it later is lost.
IoResult UdpSocket::send_datagrams(std::span<const std::span<const std::uint8_t>> datagrams) {
  std::array<mmsghdr, max_datagrams_at_once> headers{};
  std::array<iovec, max_datagrams_at_once> parts;
  const std::size_t count = std::min(datagrams.size(), max_datagrams_at_once);
  for (std::size_t i = 0; i < count; ++i) {
    parts[i] = {const_cast<std::uint8_t*>(datagrams[i].data()), datagrams[i].size()};
    headers[i].msg_hdr.msg_iov = &parts[i];
    headers[i].msg_hdr.msg_iovlen = 1;
  }
  for (;;) {
    const int sent = sendmmsg(fd_, headers.data(), static_cast<unsigned>(count), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return {IoStatus::done, static_cast<std::size_t>(sent), 0};
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {IoStatus::blocked, 0, 0};
    if (errno != EINTR) return {IoStatus::failed, 0, errno};
  }
}

void UdpSocket::close() {
  if (fd_ < 0) return;
  ::close(fd_);
  fd_ = -1;
}

}  // namespace ipfix
