// Conntrack entries as ctnetlink messages, built with libmnl: to be decoded, or to be put into the kernel.
#pragma once

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "flowstore/flow.h"

namespace ofe::conntrack {

struct Entry {
  flowstore::Tuple original, reply;
  std::uint16_t zone = 0;
  std::uint16_t original_zone = 0, reply_zone = 0;  // instead: it holds in one direction only
  std::uint32_t mark = 0, timeout_s = 1000;
  std::uint32_t status = IPS_CONFIRMED;
  std::optional<std::uint8_t> tcp_state;   // enum tcp_conntrack
  std::optional<std::uint8_t> sctp_state;  // enum sctp_conntrack
  std::vector<std::uint8_t> labels;        // as they lie in the kernel's memory; empty: none
};

// Nests are closed when they go out of scope.
class Nest {
 public:
  Nest(nlmsghdr* message, std::uint16_t type) : message_(message), start_(mnl_attr_nest_start(message, type)) {}
  ~Nest() { mnl_attr_nest_end(message_, start_); }
  Nest(const Nest&) = delete;
  Nest& operator=(const Nest&) = delete;

 private:
  nlmsghdr* message_;
  nlattr* start_;
};

inline bool has_ports(std::uint8_t protocol) {
  constexpr std::uint8_t with_ports[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_SCTP, IPPROTO_GRE};
  return std::ranges::find(with_ports, protocol) != std::end(with_ports);
}

inline void put_tuple(nlmsghdr* message, std::uint16_t type, const flowstore::Tuple& tuple, std::uint16_t zone = 0) {
  const bool v4 = flowstore::is_ipv4(tuple.source);
  Nest outer(message, type);
  {
    Nest ip(message, CTA_TUPLE_IP);
    if (v4) {
      mnl_attr_put(message, CTA_IP_V4_SRC, 4, flowstore::ipv4_octets(tuple.source).data());
      mnl_attr_put(message, CTA_IP_V4_DST, 4, flowstore::ipv4_octets(tuple.destination).data());
    } else {
      mnl_attr_put(message, CTA_IP_V6_SRC, 16, tuple.source.data());
      mnl_attr_put(message, CTA_IP_V6_DST, 16, tuple.destination.data());
    }
  }
  if (zone != 0) mnl_attr_put_u16(message, CTA_TUPLE_ZONE, htons(zone));
  Nest protocol(message, CTA_TUPLE_PROTO);
  mnl_attr_put_u8(message, CTA_PROTO_NUM, tuple.protocol);
  const auto type_and_code = tuple.destination_port;
  if (tuple.protocol == IPPROTO_ICMP || tuple.protocol == IPPROTO_ICMPV6) {
    const bool icmp = tuple.protocol == IPPROTO_ICMP;
    mnl_attr_put_u16(message, icmp ? CTA_PROTO_ICMP_ID : CTA_PROTO_ICMPV6_ID, htons(tuple.source_port));
    mnl_attr_put_u8(message, icmp ? CTA_PROTO_ICMP_TYPE : CTA_PROTO_ICMPV6_TYPE,
                    static_cast<std::uint8_t>(type_and_code >> 8));
    mnl_attr_put_u8(message, icmp ? CTA_PROTO_ICMP_CODE : CTA_PROTO_ICMPV6_CODE,
                    static_cast<std::uint8_t>(type_and_code));
  } else if (has_ports(tuple.protocol)) {
    mnl_attr_put_u16(message, CTA_PROTO_SRC_PORT, htons(tuple.source_port));
    mnl_attr_put_u16(message, CTA_PROTO_DST_PORT, htons(tuple.destination_port));
  }
}

// Header and attributes of a request to create the entry; what the kernel sends has the same form.
inline nlmsghdr* put_entry(void* buffer, const Entry& entry) {
  nlmsghdr* message = mnl_nlmsg_put_header(buffer);
  message->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW;
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK;
  auto* family = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(nfgenmsg)));
  family->nfgen_family = flowstore::is_ipv4(entry.original.source) ? AF_INET : AF_INET6;
  family->version = NFNETLINK_V0;
  put_tuple(message, CTA_TUPLE_ORIG, entry.original, entry.original_zone);
  put_tuple(message, CTA_TUPLE_REPLY, entry.reply, entry.reply_zone);
  mnl_attr_put_u32(message, CTA_STATUS, htonl(entry.status));
  mnl_attr_put_u32(message, CTA_TIMEOUT, htonl(entry.timeout_s));
  mnl_attr_put_u32(message, CTA_MARK, htonl(entry.mark));
  if (entry.zone != 0) mnl_attr_put_u16(message, CTA_ZONE, htons(entry.zone));
  if (entry.tcp_state) {
    Nest info(message, CTA_PROTOINFO);
    Nest tcp(message, CTA_PROTOINFO_TCP);
    mnl_attr_put_u8(message, CTA_PROTOINFO_TCP_STATE, *entry.tcp_state);
  }
  if (entry.sctp_state) {
    Nest info(message, CTA_PROTOINFO);
    Nest sctp(message, CTA_PROTOINFO_SCTP);
    mnl_attr_put_u8(message, CTA_PROTOINFO_SCTP_STATE, *entry.sctp_state);
    mnl_attr_put_u32(message, CTA_PROTOINFO_SCTP_VTAG_ORIGINAL, htonl(7));
    mnl_attr_put_u32(message, CTA_PROTOINFO_SCTP_VTAG_REPLY, htonl(9));
  }
  if (!entry.labels.empty()) mnl_attr_put(message, CTA_LABELS, entry.labels.size(), entry.labels.data());
  return message;
}

inline flowstore::Tuple tuple_of(const char* source, std::uint16_t source_port, const char* destination,
                                 std::uint16_t destination_port, std::uint8_t protocol) {
  return {flowstore::parse_address(source).value(), flowstore::parse_address(destination).value(), source_port,
          destination_port, protocol};
}

}  // namespace ofe::conntrack
