#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "ovs-plugin/datapath/netflow.h"

namespace ofe::datapath {

NetflowListener::NetflowListener() = default;
NetflowListener::~NetflowListener() {
  if (fd_ >= 0) close(fd_);
}

bool NetflowListener::open(std::string& error) {
  const auto failed = [&](const char* what) {
    error = std::string(what) + " for NetFlow on 127.0.0.1: " + std::strerror(errno);
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
    port_ = 0;
    return false;
  };
  if (fd_ >= 0) return true;
  fd_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd_ < 0) return failed("cannot open a UDP socket");
  // Room for a burst while the loop is busy elsewhere. Without the privilege to exceed the limit, as much as it allows.
  const int buffer_octets = 8 << 20;
  if (setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_octets, sizeof buffer_octets) != 0) {
    setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &buffer_octets, sizeof buffer_octets);
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (bind(fd_, reinterpret_cast<const sockaddr*>(&address), length) != 0) return failed("cannot bind a UDP socket");
  if (getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length) != 0) return failed("cannot learn the port");
  port_ = ntohs(address.sin_port);
  return true;
}

bool NetflowListener::receive(std::size_t max_datagrams,
                              const std::function<void(std::span<const std::uint8_t>)>& datagram) {
  // 30 records are 1464 octets; a longer datagram is cut here and then does not decode.
  std::array<std::uint8_t, 2048> buffer;
  while (max_datagrams > 0) {
    const ssize_t received = recv(fd_, buffer.data(), buffer.size(), 0);
    if (received < 0 && errno == EINTR) continue;
    if (received < 0) return false;
    --max_datagrams;
    datagram(std::span(buffer).first(static_cast<std::size_t>(received)));
  }
  return true;
}

}  // namespace ofe::datapath
