#include "ipfix/udp_socket.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace ipfix {

IoResult UdpSocket::open(const SocketAddress& address) {
  close();
  fd_ = socket(address.storage.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return {IoStatus::failed, 0, errno};
  if (connect(fd_, reinterpret_cast<const sockaddr*>(&address.storage), address.length) == 0) return {};
  return {IoStatus::failed, 0, errno};
}

void UdpSocket::close() {
  if (fd_ < 0) return;
  ::close(fd_);
  fd_ = -1;
}

}  // namespace ipfix
