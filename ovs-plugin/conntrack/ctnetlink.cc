// decode_ctnetlink: attributes of linux/netfilter/nfnetlink_conntrack.h, numbers in network order unless said
// otherwise.
#include <endian.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "ovs-plugin/conntrack/kernel_source.h"
#include "ovs-plugin/netlink/attributes.h"

namespace ofe::conntrack {
namespace {

using flowstore::Observation;
using flowstore::TcpState;
using flowstore::Tuple;
using netlink::Attribute;
using netlink::each_attribute;
using netlink::Octets;

std::uint8_t from_network(std::uint8_t number) {
  return number;
}
std::uint16_t from_network(std::uint16_t number) {
  return be16toh(number);
}
std::uint32_t from_network(std::uint32_t number) {
  return be32toh(number);
}
std::uint64_t from_network(std::uint64_t number) {
  return be64toh(number);
}

template <class Unsigned>
bool read_number(const Attribute& from, Unsigned& to) {
  if (from.value.size() != sizeof(Unsigned)) return false;
  std::memcpy(&to, from.value.data(), sizeof(Unsigned));
  to = from_network(to);
  return true;
}

bool read_address(const Attribute& from, std::size_t length, flowstore::Address& to) {
  if (from.value.size() != length) return false;
  if (length == 4) {
    to = flowstore::address_from_ipv4(from.value.data());
  } else {
    std::ranges::copy(from.value, to.begin());
  }
  return true;
}

bool read_addresses(Octets nest, Tuple& out) {
  unsigned v4 = 0, v6 = 0;
  const bool whole = each_attribute(nest, [&](const Attribute& a) {
    switch (a.type) {
      case CTA_IP_V4_SRC:
        return ++v4, read_address(a, 4, out.source);
      case CTA_IP_V4_DST:
        return ++v4, read_address(a, 4, out.destination);
      case CTA_IP_V6_SRC:
        return ++v6, read_address(a, 16, out.source);
      case CTA_IP_V6_DST:
        return ++v6, read_address(a, 16, out.destination);
      default:
        return true;
    }
  });
  return whole && ((v4 == 2 && v6 == 0) || (v6 == 2 && v4 == 0));
}

bool read_protocol(Octets nest, Tuple& out) {
  bool has_number = false;
  std::uint8_t icmp_type = 0, icmp_code = 0;
  const bool whole = each_attribute(nest, [&](const Attribute& a) {
    switch (a.type) {
      case CTA_PROTO_NUM:
        return has_number = true, read_number(a, out.protocol);
      case CTA_PROTO_SRC_PORT:
      case CTA_PROTO_ICMP_ID:
      case CTA_PROTO_ICMPV6_ID:
        return read_number(a, out.source_port);
      case CTA_PROTO_DST_PORT:
        return read_number(a, out.destination_port);
      case CTA_PROTO_ICMP_TYPE:
      case CTA_PROTO_ICMPV6_TYPE:
        return read_number(a, icmp_type);
      case CTA_PROTO_ICMP_CODE:
      case CTA_PROTO_ICMPV6_CODE:
        return read_number(a, icmp_code);
      default:
        return true;
    }
  });
  if (out.protocol == IPPROTO_ICMP || out.protocol == IPPROTO_ICMPV6) {
    out.destination_port = static_cast<std::uint16_t>(icmp_type << 8 | icmp_code);
  }
  return whole && has_number;
}

// A zone that holds for one direction only stands in that direction's tuple instead of in CTA_ZONE.
bool read_tuple(Octets nest, Tuple& out, std::uint16_t& zone) {
  bool addresses = false, protocol = false;
  const bool whole = each_attribute(nest, [&](const Attribute& a) {
    switch (a.type) {
      case CTA_TUPLE_IP:
        return addresses = read_addresses(a.value, out);
      case CTA_TUPLE_PROTO:
        return protocol = read_protocol(a.value, out);
      case CTA_TUPLE_ZONE:
        return read_number(a, zone);
      default:
        return true;
    }
  });
  return whole && addresses && protocol;
}

bool read_counters(Octets nest, std::uint64_t& packets, std::uint64_t& octets, bool& counted) {
  bool has_packets = false, has_octets = false;
  const bool whole = each_attribute(nest, [&](const Attribute& a) {
    if (a.type == CTA_COUNTERS_PACKETS) return has_packets = true, read_number(a, packets);
    if (a.type == CTA_COUNTERS_BYTES) return has_octets = true, read_number(a, octets);
    return true;
  });
  counted |= has_packets && has_octets;
  return whole;
}

bool read_times(Octets nest, Observation& out) {
  constexpr std::uint64_t ns_per_ms = 1'000'000;
  return each_attribute(nest, [&](const Attribute& a) {
    std::uint64_t ns = 0;
    if (a.type != CTA_TIMESTAMP_START && a.type != CTA_TIMESTAMP_STOP) return true;
    if (!read_number(a, ns)) return false;
    auto& ms = a.type == CTA_TIMESTAMP_START ? out.start_wall_ms : out.stop_wall_ms;
    ms = static_cast<std::int64_t>(ns / ns_per_ms);
    if (a.type == CTA_TIMESTAMP_START) out.start_ns = static_cast<std::uint32_t>(ns % ns_per_ms);
    return true;
  });
}

// enum tcp_conntrack, whose SYN_SENT2 is a SYN from both ends.
TcpState tcp_state_from_kernel(std::uint8_t state) {
  switch (state) {
    case TCP_CONNTRACK_SYN_SENT:
    case TCP_CONNTRACK_SYN_SENT2:
      return TcpState::syn_sent;
    case TCP_CONNTRACK_SYN_RECV:
      return TcpState::syn_received;
    case TCP_CONNTRACK_ESTABLISHED:
      return TcpState::established;
    case TCP_CONNTRACK_FIN_WAIT:
      return TcpState::fin_wait;
    case TCP_CONNTRACK_CLOSE_WAIT:
      return TcpState::close_wait;
    case TCP_CONNTRACK_LAST_ACK:
      return TcpState::last_ack;
    case TCP_CONNTRACK_TIME_WAIT:
      return TcpState::time_wait;
    case TCP_CONNTRACK_CLOSE:
      return TcpState::closed;
    default:
      return TcpState::none;
  }
}

bool read_protocol_state(Octets nest, Observation& out) {
  return each_attribute(nest, [&](const Attribute& info) {
    if (info.type != CTA_PROTOINFO_TCP) return true;
    return each_attribute(info.value, [&](const Attribute& a) {
      std::uint8_t state = 0;
      if (a.type != CTA_PROTOINFO_TCP_STATE) return true;
      if (!read_number(a, state)) return false;
      out.tcp_state = tcp_state_from_kernel(state);
      return true;
    });
  });
}

// The kernel's bitmap as it lies in memory: bit 0 of the label is bit 0 of the first word, words in host order.
bool read_labels(Octets value, Observation& out) {
  if (value.size() > out.labels.size()) return false;
  if constexpr (std::endian::native == std::endian::little) {
    std::ranges::copy(value, out.labels.rbegin());
  } else {
    std::ranges::copy(value, out.labels.begin());
  }
  return true;
}

// What nf_ct_invert_tuple makes of the original when nothing is translated (icmp(v6)_invmap for ICMP types).
Tuple inverted(const Tuple& t) {
  Tuple reply{t.destination, t.source, t.destination_port, t.source_port, t.protocol};
  if (t.protocol != IPPROTO_ICMP && t.protocol != IPPROTO_ICMPV6) return reply;
  constexpr std::uint8_t pairs_v4[][2] = {{8, 0}, {13, 14}, {15, 16}, {17, 18}},
                         pairs_v6[][2] = {{128, 129}, {139, 140}};
  const auto pairs = t.protocol == IPPROTO_ICMP ? std::span<const std::uint8_t[2]>(pairs_v4)
                                                : std::span<const std::uint8_t[2]>(pairs_v6);
  std::uint8_t type = static_cast<std::uint8_t>(t.destination_port >> 8);
  for (const auto& [request, answer] : pairs) {
    if (type == request || type == answer) {
      type = type == request ? answer : request;
      break;
    }
  }
  reply.source_port = t.source_port;
  reply.destination_port = static_cast<std::uint16_t>(type << 8 | (t.destination_port & 0xff));
  return reply;
}

}  // namespace

bool decode_ctnetlink(const void* payload, std::size_t octets, Observation& out) {
  out = Observation{};
  if (octets < sizeof(nfgenmsg)) return false;
  bool has_original = false, has_reply = false, counted = false;
  std::uint16_t original_zone = 0, reply_zone = 0;
  const Octets attributes =
      Octets(static_cast<const std::uint8_t*>(payload), octets).subspan(NLMSG_ALIGN(sizeof(nfgenmsg)));
  const bool whole = each_attribute(attributes, [&](const Attribute& a) {
    switch (a.type) {
      case CTA_TUPLE_ORIG:
        return has_original = read_tuple(a.value, out.original, original_zone);
      case CTA_TUPLE_REPLY:
        return has_reply = read_tuple(a.value, out.reply, reply_zone);
      case CTA_STATUS:
        return read_number(a, out.status);
      case CTA_TIMEOUT:
        return read_number(a, out.timeout_s);
      case CTA_MARK:
        return read_number(a, out.mark);
      case CTA_ID:
        return read_number(a, out.id);
      case CTA_ZONE:
        return read_number(a, out.zone);
      case CTA_COUNTERS_ORIG:
        return read_counters(a.value, out.counters.packets, out.counters.octets, counted);
      case CTA_COUNTERS_REPLY:
        return read_counters(a.value, out.counters.reverse_packets, out.counters.reverse_octets, counted);
      case CTA_TIMESTAMP:
        return read_times(a.value, out);
      case CTA_PROTOINFO:
        return read_protocol_state(a.value, out);
      case CTA_LABELS:
        return read_labels(a.value, out);
      default:
        return true;
    }
  });
  if (!whole || !has_original) return false;
  if (!has_reply) out.reply = inverted(out.original);
  if (out.zone == 0) out.zone = original_zone != 0 ? original_zone : reply_zone;
  if (counted) out.statistics = flowstore::Statistics::exact;
  return true;
}

}  // namespace ofe::conntrack
