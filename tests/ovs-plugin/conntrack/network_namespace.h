// A network namespace of the test's own: the process moves into it, and it is gone when the process (or the next test)
// leaves. Needs root, or a kernel that lets users have namespaces.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

namespace ofe::conntrack {

struct CloseDescriptor {
  int fd = -1;
  explicit CloseDescriptor(int descriptor) : fd(descriptor) {}
  ~CloseDescriptor() {
    if (fd >= 0) close(fd);
  }
  CloseDescriptor(const CloseDescriptor&) = delete;
  CloseDescriptor& operator=(const CloseDescriptor&) = delete;
};

// True when the process is in a new namespace with loopback up and connection tracking at work.
inline bool enter_new_network_namespace(const std::string& nft_rules) {
  if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
  if (std::system("ip link set lo up") != 0) return false;
  std::FILE* nft = popen("nft -f -", "w");
  if (nft == nullptr) return false;
  std::fputs(nft_rules.c_str(), nft);
  return pclose(nft) == 0;
}

inline socklen_t loopback(int family, std::uint16_t port, sockaddr_storage& address) {
  address = {};
  if (family == AF_INET) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(address);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return sizeof v4;
  }
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  v6.sin6_addr = in6addr_loopback;
  return sizeof v6;
}

// Sends `questions` datagrams of 100 octets to the port over loopback and answers one of them.
inline bool exchange_udp(int family, std::uint16_t port, int questions) {
  const CloseDescriptor server(socket(family, SOCK_DGRAM, 0)), client(socket(family, SOCK_DGRAM, 0));
  sockaddr_storage address, from;
  const socklen_t length = loopback(family, port, address);
  const auto* to = reinterpret_cast<const sockaddr*>(&address);
  std::array<char, 100> octets{};
  if (bind(server.fd, to, length) != 0 || connect(client.fd, to, length) != 0) return false;
  for (int i = 0; i < questions; ++i) {
    if (send(client.fd, octets.data(), octets.size(), 0) < 0) return false;
  }
  socklen_t from_length = sizeof from;
  return recvfrom(server.fd, octets.data(), octets.size(), 0, reinterpret_cast<sockaddr*>(&from), &from_length) > 0 &&
         sendto(server.fd, octets.data(), 10, 0, reinterpret_cast<sockaddr*>(&from), from_length) == 10 &&
         recv(client.fd, octets.data(), octets.size(), 0) == 10;
}

// A TCP connection over loopback, open for as long as the object lives.
class TcpConnection {
 public:
  TcpConnection(int family, std::uint16_t port)
      : listener_(socket(family, SOCK_STREAM, 0)),
        client_(socket(family, SOCK_STREAM, 0)),
        server_(accepted(family, port)) {}
  bool exchange() const {
    std::array<char, 64> octets{};
    return server_.fd >= 0 && send(client_.fd, octets.data(), octets.size(), 0) == 64 &&
           recv(server_.fd, octets.data(), octets.size(), MSG_WAITALL) == 64;
  }

 private:
  int accepted(int family, std::uint16_t port) const {
    sockaddr_storage address;
    const socklen_t length = loopback(family, port, address);
    const auto* to = reinterpret_cast<const sockaddr*>(&address);
    if (bind(listener_.fd, to, length) != 0 || listen(listener_.fd, 1) != 0) return -1;
    return connect(client_.fd, to, length) == 0 ? accept(listener_.fd, nullptr, nullptr) : -1;
  }
  CloseDescriptor listener_, client_, server_;
};

}  // namespace ofe::conntrack
