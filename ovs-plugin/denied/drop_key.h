// What a drop megaflow pins of the packets it drops. Bits that it does not pin are wildcards: any packet that has the
// pinned ones is dropped alike.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "ovs-plugin/datapath/megaflow.h"

namespace ofe::denied {

struct DropKey {
  std::string in_port;         // name or number of the datapath port, as the source of the megaflow has it
  std::uint16_t eth_type = 0;  // 0: not pinned
  datapath::Masked<flowstore::Address> source, destination;
  datapath::Masked<std::uint8_t> protocol;
  datapath::Masked<std::uint16_t> source_port, destination_port;
  datapath::Masked<std::uint8_t> icmp_type, icmp_code;

  friend bool operator==(const DropKey&, const DropKey&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const DropKey& k) {
    return H::combine(std::move(h), k.in_port, k.eth_type, k.source.value, k.source.mask, k.destination.value,
                      k.destination.mask, k.protocol.value, k.source_port.value, k.destination_port.value,
                      k.icmp_type.value, k.icmp_code.value);
  }

  bool is_ipv4() const { return eth_type == 0x0800; }
  bool is_ip() const { return is_ipv4() || eth_type == 0x86dd; }
  bool is_icmp() const;
};

DropKey drop_key(const datapath::Megaflow& flow);

// Leading bits that are pinned, counted in the family's own length: 0 to 32 or 0 to 128.
std::uint8_t prefix_length(const datapath::Masked<flowstore::Address>& address, bool ipv4);
// The values as a 5-tuple, what is not wholly pinned zero: a partly pinned address keeps its prefix, a partly pinned
// port or protocol is 0. ICMP: destination_port is type × 256 + code where both are pinned.
flowstore::Tuple pinned_values(const DropKey& key);
// Whether the key pins addresses, protocol and ports wholly (TCP, UDP, SCTP).
bool is_exact(const DropKey& key);

}  // namespace ofe::denied
