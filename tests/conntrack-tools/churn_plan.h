// What connection `number` of a run looks like: a function of the number and the seed alone.
#pragma once

#include <netinet/in.h>

#include <array>

#include "tests/conntrack-tools/tuple.h"

namespace conntrack_tools {

constexpr unsigned connections_per_group = 128;  // neighbours in number share a source port, hence a socket
constexpr unsigned source_ports = 64;
constexpr std::uint16_t first_source_port = 10'000;
constexpr std::uint16_t sink_port = 9'999;
constexpr unsigned address_bits = 22;
constexpr std::uint64_t most_connections = std::uint64_t{source_ports} << address_bits;
constexpr unsigned most_packets = 3;    // of one direction
constexpr unsigned header_octets = 28;  // IPv4 and UDP

constexpr unsigned source_port_index(std::uint64_t number) {
  return static_cast<unsigned>(number / connections_per_group % source_ports);
}

struct PlannedConnection {
  Tuple original;
  unsigned packets = 0, answers = 0;
  unsigned first_octets = 0;

  // UDP payload of packet i of either direction.
  unsigned payload_octets(unsigned i) const { return first_octets + 37 * i; }
  unsigned answer_octets(unsigned i) const { return first_octets / 2 + 11 * i; }
};

// Sources are 127.16.0.0 to 127.79.255.255, destinations 127.128.0.0 to 127.191.255.255: loopback addresses nobody else
// uses. Source address and port tell connections apart.
constexpr PlannedConnection planned(std::uint64_t number, std::uint64_t seed) {
  constexpr std::array<std::array<unsigned, 2>, 8> shapes = {
      {{1, 0}, {1, 0}, {1, 0}, {1, 1}, {1, 1}, {2, 0}, {2, 1}, {3, 2}}};
  const unsigned port = source_port_index(number);
  const std::uint64_t address =
      number / connections_per_group / source_ports * connections_per_group + number % connections_per_group;
  const std::uint64_t more = scrambled(number ^ seed << 40);

  PlannedConnection plan;
  plan.original.source =
      ipv4(127, 16, 0, 0) + static_cast<std::uint32_t>(permuted(address, address_bits, seed * source_ports + port));
  plan.original.source_port = static_cast<std::uint16_t>(first_source_port + port);
  plan.original.destination = ipv4(127, 128, 0, 0) + static_cast<std::uint32_t>(more & ((1u << address_bits) - 1));
  plan.original.destination_port = sink_port;
  plan.original.protocol = IPPROTO_UDP;
  plan.packets = shapes[more >> 24 & 7][0];
  plan.answers = shapes[more >> 24 & 7][1];
  plan.first_octets = 16 + static_cast<unsigned>(more >> 32) % 700;
  return plan;
}

}  // namespace conntrack_tools
