#include "tests/conntrack-tools/udp_exchange.h"

#include <arpa/inet.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>

namespace conntrack_tools {
namespace {

constexpr std::size_t most_messages = connections_per_group * most_packets;
constexpr int socket_octets = 8 << 20;
constexpr int give_up_ms = 5'000;

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

int udp_socket(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("cannot open a UDP socket");
  for (const int option : {SO_RCVBUFFORCE, SO_SNDBUFFORCE}) {
    if (setsockopt(fd, SOL_SOCKET, option, &socket_octets, sizeof socket_octets) < 0) {
      fail("cannot enlarge a socket's buffer (CAP_NET_ADMIN is needed)");
    }
  }
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_port = htons(port);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&any), sizeof any) < 0) {
    fail("cannot bind UDP port " + std::to_string(port));
  }
  return fd;
}

}  // namespace

struct UdpExchange::Room {
  std::array<mmsghdr, most_messages> messages{};
  std::array<iovec, most_messages> payloads{};
  std::array<sockaddr_in, most_messages> names{};
  // The source address of each datagram, as ip(7) takes it.
  alignas(cmsghdr) std::array<std::array<char, CMSG_SPACE(sizeof(in_pktinfo))>, most_messages> controls{};
  std::array<mmsghdr, most_messages> received{};
  std::array<char, 2048> octets{};  // of every datagram, out and in: nobody reads them
  iovec receiving{octets.data(), octets.size()};

  Room() {
    for (std::size_t i = 0; i < most_messages; ++i) {
      names[i].sin_family = AF_INET;
      payloads[i].iov_base = octets.data();
      msghdr& header = messages[i].msg_hdr;
      header.msg_name = &names[i];
      header.msg_namelen = sizeof names[i];
      header.msg_iov = &payloads[i];
      header.msg_iovlen = 1;
      header.msg_control = controls[i].data();
      header.msg_controllen = controls[i].size();
      cmsghdr* const control = CMSG_FIRSTHDR(&header);
      control->cmsg_level = IPPROTO_IP;
      control->cmsg_type = IP_PKTINFO;
      control->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
      received[i].msg_hdr.msg_iov = &receiving;
      received[i].msg_hdr.msg_iovlen = 1;
    }
  }
  void set(std::size_t i, const Packet& packet) {
    names[i].sin_addr.s_addr = htonl(packet.to);
    names[i].sin_port = htons(packet.port);
    payloads[i].iov_len = packet.payload_octets;
    in_pktinfo info{};
    info.ipi_spec_dst.s_addr = htonl(packet.from);
    std::memcpy(CMSG_DATA(CMSG_FIRSTHDR(&messages[i].msg_hdr)), &info, sizeof info);
  }
};

UdpExchange::UdpExchange() : sink_(udp_socket(sink_port)), room_(std::make_unique<Room>()) {
  for (unsigned i = 0; i < source_ports; ++i) {
    sources_.push_back(udp_socket(static_cast<std::uint16_t>(first_source_port + i)));
  }
}

UdpExchange::~UdpExchange() {
  for (const int fd : sources_) close(fd);
  close(sink_);
}

void UdpExchange::run(unsigned source_port, std::span<const PlannedConnection> connections, std::span<Sent> sent) {
  packets_.clear();
  for (std::uint16_t i = 0; i < connections.size(); ++i) {
    const PlannedConnection& plan = connections[i];
    for (unsigned packet = 0; packet < plan.packets; ++packet) {
      packets_.push_back({plan.original.source, plan.original.destination, plan.original.destination_port,
                          static_cast<std::uint16_t>(plan.payload_octets(packet)), i});
    }
  }
  transfer(sources_[source_port], sink_);
  for (const Packet& packet : packets_) {
    if (packet.refused) continue;
    ++sent[packet.connection].packets;
    sent[packet.connection].octets += packet.payload_octets + header_octets;
  }

  packets_.clear();
  for (std::uint16_t i = 0; i < connections.size(); ++i) {
    const PlannedConnection& plan = connections[i];
    if (sent[i].packets != plan.packets) continue;  // a question was refused: there is nothing to answer
    for (unsigned packet = 0; packet < plan.answers; ++packet) {
      packets_.push_back({plan.original.destination, plan.original.source, plan.original.source_port,
                          static_cast<std::uint16_t>(plan.answer_octets(packet)), i});
    }
  }
  transfer(sink_, sources_[source_port]);
  for (const Packet& packet : packets_) {
    if (packet.refused) continue;
    ++sent[packet.connection].reverse_packets;
    sent[packet.connection].reverse_octets += packet.payload_octets + header_octets;
  }
}

// Sends packets_ and waits until the other socket has those that were not refused.
void UdpExchange::transfer(int from, int to) {
  for (std::size_t i = 0; i < packets_.size(); ++i) room_->set(i, packets_[i]);
  for (std::size_t next = 0; next < packets_.size();) {
    const int taken = sendmmsg(from, &room_->messages[next], static_cast<unsigned>(packets_.size() - next), 0);
    if (taken > 0) {
      next += static_cast<std::size_t>(taken);
    } else if (errno == EPERM) {
      packets_[next++].refused = true;
      ++refused_packets_;
    } else if (errno != EINTR) {
      fail("cannot send over loopback");
    }
  }
  std::size_t packets = 0, octets = 0;
  for (const Packet& packet : packets_) {
    if (packet.refused) continue;
    ++packets;
    octets += packet.payload_octets;
  }
  receive(to, packets, octets);
}

void UdpExchange::receive(int fd, std::size_t packets, std::size_t payload_octets) {
  std::size_t octets = 0;
  for (std::size_t left = packets; left > 0;) {
    const int got = recvmmsg(fd, room_->received.data(), static_cast<unsigned>(left), MSG_DONTWAIT, nullptr);
    for (int i = 0; i < got; ++i) octets += room_->received[static_cast<std::size_t>(i)].msg_len;
    if (got > 0) {
      left -= static_cast<std::size_t>(got);
      continue;
    }
    if (errno != EAGAIN && errno != EINTR) fail("cannot receive over loopback");
    pollfd readable{fd, POLLIN, 0};
    if (poll(&readable, 1, give_up_ms) == 0) {
      throw std::runtime_error(std::to_string(left) + " of " + std::to_string(packets) +
                               " packets did not arrive over loopback");
    }
  }
  if (octets != payload_octets) throw std::runtime_error("other packets arrived than were sent");
}

}  // namespace conntrack_tools
