// An established TCP connection by number, as an Antrea Node with many of them would have it.
#pragma once

#include <netinet/in.h>

#include <iterator>

#include "tests/conntrack-tools/tuple.h"

namespace conntrack_tools {

constexpr std::uint64_t most_entries = std::uint64_t{1} << 32;  // the numbers there are

struct SyntheticEntry {
  Tuple original, reply;
  std::uint32_t mark = 0;
  std::uint32_t labels[4] = {};
};

// Clients are local Pods (10.10.0.0/16), servers Pods elsewhere; every fourth connection went to a Service's cluster
// IP. Client address, client port and one bit of the server's address are the permuted number, so that no two are
// alike.
constexpr SyntheticEntry synthetic_entry(std::uint64_t number) {
  const std::uint64_t key = permuted(number, 32, 0);
  const std::uint64_t more = scrambled(number);
  const auto octet = [more](unsigned place) { return static_cast<unsigned>(more >> 8 * place & 0xff); };
  constexpr std::uint16_t ports[] = {80, 443, 8080, 8443, 5432, 6379, 9092, 50051};
  const unsigned bit = key >> 15 & 1;
  const bool service = number % 4 == 3;

  SyntheticEntry entry;
  entry.original.protocol = IPPROTO_TCP;
  entry.original.source = ipv4(10, 10, key >> 24 & 0xff, key >> 16 & 0xff);
  entry.original.source_port = static_cast<std::uint16_t>(0x8000 | (key & 0x7fff));
  entry.original.destination = ipv4(10, 20 + bit, octet(0), octet(1));
  entry.original.destination_port = ports[octet(2) % std::size(ports)];
  entry.reply = {entry.original.destination, entry.original.source, entry.original.destination_port,
                 entry.original.source_port, IPPROTO_TCP};
  if (service) entry.original.destination = ipv4(10, 96 + bit, octet(3) % 4, octet(1));
  // Antrea: bits 0-3 where the connection came from, bit 4 that it went to a Service; conjunction ids of the ingress
  // and the egress rule that let it through in the label's first 64 bits.
  entry.mark = service ? 0x10 : 0;
  entry.labels[0] = 1 + octet(4);
  entry.labels[1] = octet(5) % 2 == 0 ? 0 : 1 + octet(6);
  return entry;
}

}  // namespace conntrack_tools
