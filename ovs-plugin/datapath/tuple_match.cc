#include "ovs-plugin/datapath/tuple_match.h"

#include <netinet/in.h>

#include <algorithm>

#include "flowstore/address.h"

namespace ofe::datapath {
namespace {

constexpr std::uint16_t eth_type_ipv4 = 0x0800, eth_type_ipv6 = 0x86dd;
constexpr std::size_t mapped_octets = 12;

flowstore::Address masked(const flowstore::Address& address, const flowstore::Address& mask) {
  flowstore::Address result;
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = address[i] & mask[i];
  return result;
}

bool is_icmp(std::uint8_t protocol) {
  return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
}

// A family that is matched without a word about its addresses (dump-flows without -m) is any address of it.
void take_address(const Masked<flowstore::Address>& from, std::uint8_t family, flowstore::Address& value,
                  flowstore::Address& mask) {
  mask = from.mask;
  value = from.value;
  if (family != 4) return;
  static constexpr std::uint8_t no_address[4] = {};
  const flowstore::Address any = flowstore::address_from_ipv4(no_address);
  std::copy_n(any.begin(), mapped_octets, value.begin());
  std::fill_n(mask.begin(), mapped_octets, std::uint8_t{0xff});
}

}  // namespace

bool tuple_match(const Megaflow& flow, TupleMatch& out) {
  out = {};
  if (flow.eth_type != 0 && flow.eth_type != eth_type_ipv4 && flow.eth_type != eth_type_ipv6) return false;
  out.family = flow.eth_type == eth_type_ipv4 ? 4 : flow.eth_type == eth_type_ipv6 ? 6 : 0;
  if (out.family == 0) return true;
  take_address(flow.source, out.family, out.value.source, out.mask.source);
  take_address(flow.destination, out.family, out.value.destination, out.mask.destination);
  // Of IPv6 they have not even the protocol: the fragment header's number stands there (lib/flow.c,
  // parse_ipv6_ext_hdrs__).
  if (out.family == 6 && flow.fragment == later_fragment && flow.protocol.value == IPPROTO_FRAGMENT) return true;
  out.value.protocol = flow.protocol.value;
  out.mask.protocol = flow.protocol.mask;
  // Ports and types mean something only behind a certain protocol; later fragments have none of them.
  if (flow.protocol.mask != 0xff || flow.fragment == later_fragment) return true;
  if (is_icmp(flow.protocol.value)) {
    out.value.destination_port = static_cast<std::uint16_t>(flow.icmp_type.value << 8 | flow.icmp_code.value);
    out.mask.destination_port = static_cast<std::uint16_t>(flow.icmp_type.mask << 8 | flow.icmp_code.mask);
    return true;
  }
  out.value.source_port = flow.source_port.value;
  out.mask.source_port = flow.source_port.mask;
  out.value.destination_port = flow.destination_port.value;
  out.mask.destination_port = flow.destination_port.mask;
  return true;
}

bool pins(const TupleMatch& match) {
  flowstore::Tuple exact;
  exact.source.fill(0xff);
  exact.destination.fill(0xff);
  exact.source_port = exact.destination_port = 0xffff;
  exact.protocol = 0xff;
  return match.mask == exact && !is_icmp(match.value.protocol);
}

flowstore::Tuple masked(const flowstore::Tuple& tuple, const flowstore::Tuple& mask) {
  return {masked(tuple.source, mask.source), masked(tuple.destination, mask.destination),
          static_cast<std::uint16_t>(tuple.source_port & mask.source_port),
          static_cast<std::uint16_t>(tuple.destination_port & mask.destination_port),
          static_cast<std::uint8_t>(tuple.protocol & mask.protocol)};
}

std::uint8_t family_of(const flowstore::Tuple& tuple) {
  return flowstore::is_ipv4(tuple.source) ? 4 : 6;
}

bool matches(const TupleMatch& match, const flowstore::Tuple& tuple) {
  return (match.family == 0 || match.family == family_of(tuple)) && masked(tuple, match.mask) == match.value;
}

}  // namespace ofe::datapath
