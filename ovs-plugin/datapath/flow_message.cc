#include "ovs-plugin/datapath/flow_message.h"

#include <arpa/inet.h>
#include <linux/openvswitch.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "ovs-plugin/datapath/flow_message_actions.h"

namespace ofe::datapath {
namespace {

using netlink::Attribute;
using netlink::each_attribute;
using netlink::Octets;

constexpr int max_encapsulations = 4;

// A struct of linux/openvswitch.h, or a number in host order. False: another length.
template <class T>
bool read(const Attribute& from, T& to) {
  if (from.value.size() != sizeof(T)) return false;
  std::memcpy(&to, from.value.data(), sizeof(T));
  return true;
}

// The mask of the same attribute. Where the flow has masks, one that is missing wildcards all of it.
Attribute mask_of(std::optional<Octets> masks, std::uint16_t type) {
  Attribute found{type, {}};
  if (!masks) return found;
  each_attribute(*masks, [&](const Attribute& a) {
    if (a.type == type) found = a;
    return a.type != type;
  });
  return found;
}

template <class Struct>
struct KeyAndMask {
  Struct key{}, mask{};
};

template <class Struct>
bool read_both(const Attribute& from, std::optional<Octets> masks, KeyAndMask<Struct>& to) {
  if (!read(from, to.key)) return false;
  if (!masks) {
    std::memset(&to.mask, 0xff, sizeof to.mask);
    return true;
  }
  const Attribute mask = mask_of(masks, from.type);
  return mask.value.empty() || read(mask, to.mask);
}

template <class Number>
Masked<Number> masked(Number key, Number mask) {
  return {static_cast<Number>(key & mask), mask};
}
Masked<std::uint16_t> masked_port(__be16 key, __be16 mask) {
  return masked<std::uint16_t>(ntohs(key), ntohs(mask));
}

Masked<flowstore::Address> masked_address(__be32 key, __be32 mask) {
  const __be32 value = key & mask;
  Masked<flowstore::Address> result{flowstore::address_from_ipv4(reinterpret_cast<const std::uint8_t*>(&value)), {}};
  result.mask.fill(0xff);
  std::memcpy(result.mask.data() + 12, &mask, sizeof mask);
  return result;
}

Masked<flowstore::Address> masked_address(const __be32 (&key)[4], const __be32 (&mask)[4]) {
  Masked<flowstore::Address> result;
  std::memcpy(result.mask.data(), mask, sizeof mask);
  std::memcpy(result.value.data(), key, sizeof key);
  for (std::size_t i = 0; i < result.value.size(); ++i) result.value[i] &= result.mask[i];
  return result;
}

std::uint8_t fragment_of(std::uint8_t key, std::uint8_t mask) {
  const std::uint8_t kind = key & mask;
  return kind == OVS_FRAG_TYPE_FIRST ? 1 : kind == OVS_FRAG_TYPE_LATER ? 2 : 0;
}

// Where a struct of one of the two families has what both have.
template <class Struct, class Address>
struct IpMembers {
  Address Struct::*source;
  Address Struct::*destination;
  std::uint8_t Struct::*protocol;
  std::uint8_t Struct::*fragment;
};
constexpr IpMembers<ovs_key_ipv4, __be32> ipv4_members{&ovs_key_ipv4::ipv4_src, &ovs_key_ipv4::ipv4_dst,
                                                       &ovs_key_ipv4::ipv4_proto, &ovs_key_ipv4::ipv4_frag};
constexpr IpMembers<ovs_key_ipv6, __be32[4]> ipv6_members{&ovs_key_ipv6::ipv6_src, &ovs_key_ipv6::ipv6_dst,
                                                          &ovs_key_ipv6::ipv6_proto, &ovs_key_ipv6::ipv6_frag};

template <class Struct, class Address>
bool read_ip(const Attribute& a, std::optional<Octets> masks, const IpMembers<Struct, Address>& of, Megaflow& out) {
  KeyAndMask<Struct> ip;
  if (!read_both(a, masks, ip)) return false;
  out.source = masked_address(ip.key.*of.source, ip.mask.*of.source);
  out.destination = masked_address(ip.key.*of.destination, ip.mask.*of.destination);
  out.protocol = masked(ip.key.*of.protocol, ip.mask.*of.protocol);
  out.fragment = fragment_of(ip.key.*of.fragment, ip.mask.*of.fragment);
  return true;
}

// ovs_key_tcp, ovs_key_udp and ovs_key_sctp are the same two numbers.
bool read_ports(const Attribute& a, std::optional<Octets> masks, Megaflow& out) {
  KeyAndMask<ovs_key_tcp> ports;
  if (!read_both(a, masks, ports)) return false;
  out.source_port = masked_port(ports.key.tcp_src, ports.mask.tcp_src);
  out.destination_port = masked_port(ports.key.tcp_dst, ports.mask.tcp_dst);
  return true;
}

// So are ovs_key_icmp and ovs_key_icmpv6.
bool read_icmp(const Attribute& a, std::optional<Octets> masks, Megaflow& out) {
  KeyAndMask<ovs_key_icmp> icmp;
  if (!read_both(a, masks, icmp)) return false;
  out.icmp_type = masked(icmp.key.icmp_type, icmp.mask.icmp_type);
  out.icmp_code = masked(icmp.key.icmp_code, icmp.mask.icmp_code);
  return true;
}

bool read_keys(Octets keys, std::optional<Octets> masks, PortNames& ports, Megaflow& out, int encapsulations);

// The keys behind a VLAN tag, in the same form.
bool read_encapsulated(const Attribute& a, std::optional<Octets> masks, PortNames& ports, Megaflow& out,
                       int encapsulations) {
  if (encapsulations == max_encapsulations) return false;
  out.vlan = true;
  if (masks) masks = mask_of(masks, a.type).value;
  return read_keys(a.value, masks, ports, out, encapsulations + 1);
}

bool read_in_port(const Attribute& a, PortNames& ports, Megaflow& out) {
  std::uint32_t number = 0;
  if (!read(a, number)) return false;
  out.in_port = ports.of(number);
  return true;
}

bool read_ethernet_type(const Attribute& a, std::optional<Octets> masks, Megaflow& out) {
  KeyAndMask<__be16> type;
  if (!read_both(a, masks, type)) return false;
  out.eth_type = ntohs(type.key & type.mask);
  return true;
}

bool read_keys(Octets keys, std::optional<Octets> masks, PortNames& ports, Megaflow& out, int encapsulations) {
  return each_attribute(keys, [&](const Attribute& a) {
    switch (a.type) {
      case OVS_KEY_ATTR_RECIRC_ID:
        return read(a, out.recirc_id);
      case OVS_KEY_ATTR_IN_PORT:
        return read_in_port(a, ports, out);
      case OVS_KEY_ATTR_ETHERTYPE:
        return read_ethernet_type(a, masks, out);
      case OVS_KEY_ATTR_IPV4:
        return read_ip(a, masks, ipv4_members, out);
      case OVS_KEY_ATTR_IPV6:
        return read_ip(a, masks, ipv6_members, out);
      case OVS_KEY_ATTR_TCP:
      case OVS_KEY_ATTR_UDP:
      case OVS_KEY_ATTR_SCTP:
        return read_ports(a, masks, out);
      case OVS_KEY_ATTR_ICMP:
      case OVS_KEY_ATTR_ICMPV6:
        return read_icmp(a, masks, out);
      case OVS_KEY_ATTR_ENCAP:
        return read_encapsulated(a, masks, ports, out, encapsulations);
      default:
        return true;
    }
  });
}

bool read_statistics(const Attribute& a, Megaflow& out) {
  ovs_flow_stats statistics{};
  if (!read(a, statistics)) return false;
  out.packets = statistics.n_packets;
  out.octets_l2 = statistics.n_bytes;
  return true;
}

bool read_used(const Attribute& a, std::int64_t now_ms, Megaflow& out) {
  std::uint64_t used_ms = 0;
  if (!read(a, used_ms)) return false;
  out.used_ms_ago = std::max<std::int64_t>(0, now_ms - static_cast<std::int64_t>(used_ms));
  return true;
}

// In the order in which dpctl/dump-flows prints it: four words, each printed as a number of the host.
bool read_ufid(const Attribute& a, Megaflow& out) {
  if (a.value.size() != out.ufid.size()) return true;  // flows made by others than OVS may have a shorter one
  for (std::size_t at = 0; at < out.ufid.size(); at += sizeof(std::uint32_t)) {
    std::uint32_t word = 0;
    std::memcpy(&word, a.value.data() + at, sizeof word);
    word = htonl(word);
    std::memcpy(out.ufid.data() + at, &word, sizeof word);
  }
  out.has_ufid = true;
  return true;
}

}  // namespace

bool decode_flow(Octets attributes, std::int64_t now_ms, PortNames& ports, Megaflow& out) {
  reset(out);
  std::optional<Octets> keys, masks;
  const bool whole = each_attribute(attributes, [&](const Attribute& a) {
    switch (a.type) {
      case OVS_FLOW_ATTR_KEY:
        keys = a.value;
        return true;
      case OVS_FLOW_ATTR_MASK:
        masks = a.value;
        return true;
      case OVS_FLOW_ATTR_ACTIONS:
        return read_action_attributes(a.value, ports, out);
      case OVS_FLOW_ATTR_STATS:
        return read_statistics(a, out);
      case OVS_FLOW_ATTR_USED:
        return read_used(a, now_ms, out);
      case OVS_FLOW_ATTR_UFID:
        return read_ufid(a, out);
      default:
        return true;
    }
  });
  return whole && keys && read_keys(*keys, masks, ports, out, 0);
}

}  // namespace ofe::datapath
