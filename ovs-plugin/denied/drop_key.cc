#include "ovs-plugin/denied/drop_key.h"

#include <netinet/in.h>

#include <algorithm>
#include <bit>

namespace ofe::denied {
namespace {

constexpr std::uint8_t whole_ipv6 = 128, mapped_prefix = 96;  // ::ffff:0:0/96

flowstore::Address whole_prefix(const datapath::Masked<flowstore::Address>& address, bool ipv4) {
  if (!ipv4) return address.value;
  constexpr std::uint8_t any[4] = {};
  // Without any bit of it pinned the source of the megaflow may have left the family out as well.
  return flowstore::is_ipv4(address.value) ? address.value : flowstore::address_from_ipv4(any);
}

}  // namespace

bool DropKey::is_icmp() const {
  return protocol.mask == 0xff && (protocol.value == IPPROTO_ICMP || protocol.value == IPPROTO_ICMPV6);
}

DropKey drop_key(const datapath::Megaflow& flow) {
  return {std::string(flow.in_port), flow.eth_type,         flow.source,    flow.destination, flow.protocol,
          flow.source_port,          flow.destination_port, flow.icmp_type, flow.icmp_code};
}

std::uint8_t prefix_length(const datapath::Masked<flowstore::Address>& address, bool ipv4) {
  std::uint8_t length = 0;
  for (const std::uint8_t octet : address.mask) {
    length = static_cast<std::uint8_t>(length + std::countl_one(octet));
    if (octet != 0xff) break;
  }
  if (!ipv4) return std::min(length, whole_ipv6);
  return length < mapped_prefix ? 0 : static_cast<std::uint8_t>(length - mapped_prefix);
}

flowstore::Tuple pinned_values(const DropKey& key) {
  flowstore::Tuple tuple;
  tuple.source = whole_prefix(key.source, key.is_ipv4());
  tuple.destination = whole_prefix(key.destination, key.is_ipv4());
  if (key.protocol.mask == 0xff) tuple.protocol = key.protocol.value;
  if (key.source_port.mask == 0xffff) tuple.source_port = key.source_port.value;
  if (key.destination_port.mask == 0xffff) tuple.destination_port = key.destination_port.value;
  if (key.is_icmp() && key.icmp_type.mask == 0xff && key.icmp_code.mask == 0xff) {
    tuple.destination_port = static_cast<std::uint16_t>(key.icmp_type.value << 8 | key.icmp_code.value);
  }
  return tuple;
}

bool is_exact(const DropKey& key) {
  if (!key.is_ip() || key.protocol.mask != 0xff || key.is_icmp()) return false;
  if (key.source_port.mask != 0xffff || key.destination_port.mask != 0xffff) return false;
  return prefix_length(key.source, false) == whole_ipv6 && prefix_length(key.destination, false) == whole_ipv6;
}

}  // namespace ofe::denied
