// Real UDP packets over loopback, many at a time: a group of connections asks, one sink receives and answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "tests/conntrack-tools/churn_plan.h"

namespace conntrack_tools {

// What really went out; IP octets.
struct Sent {
  std::uint16_t packets = 0, reverse_packets = 0;
  std::uint32_t octets = 0, reverse_octets = 0;
};

class UdpExchange {
 public:
  // Throws std::system_error.
  UdpExchange();
  ~UdpExchange();
  UdpExchange(const UdpExchange&) = delete;
  UdpExchange& operator=(const UdpExchange&) = delete;

  // Connections of one source port, at most connections_per_group. Every packet was received when it returns; to
  // sent[i] is added what connection i sent. Packets that the kernel refused (EPERM: conntrack's table is full, or a
  // rule) are not among them. Throws when a socket fails or packets do not arrive.
  void run(unsigned source_port_index, std::span<const PlannedConnection> connections, std::span<Sent> sent);

  std::uint64_t refused_packets() const { return refused_packets_; }

 private:
  struct Packet {
    std::uint32_t from, to;  // addresses, host order
    std::uint16_t port;      // the receiver's
    std::uint16_t payload_octets;
    std::uint16_t connection;  // its index
    bool refused = false;
  };
  void transfer(int from, int to);
  void receive(int fd, std::size_t packets, std::size_t payload_octets);

  int sink_;
  std::vector<int> sources_;
  std::vector<Packet> packets_;  // of one direction
  std::uint64_t refused_packets_ = 0;
  struct Room;  // what sendmmsg and recvmmsg point to
  std::unique_ptr<Room> room_;
};

}  // namespace conntrack_tools
