// Conntrack entries of every kind the kernel can be made to hold, at random.
#pragma once

#include "tests/mutations.h"
#include "tests/ovs-plugin/conntrack/ctnetlink_message.h"

namespace ofe::conntrack {

inline flowstore::Address random_address(Mutations& random, bool v4, unsigned number) {
  std::array<std::uint8_t, 16> octets{0xfd};
  for (std::size_t i = 1; i < octets.size(); ++i) octets[i] = static_cast<std::uint8_t>(random.below(256));
  octets[12] = 10;  // no two entries share an original source, so that none is refused as one that is there already
  octets[13] = static_cast<std::uint8_t>(number >> 16);
  octets[14] = static_cast<std::uint8_t>(number >> 8);
  octets[15] = static_cast<std::uint8_t>(number);
  return v4 ? flowstore::address_from_ipv4(octets.data() + 12) : octets;
}

// The other direction of what is not translated, or of one or both ends that are.
inline flowstore::Tuple random_reply(Mutations& random, const flowstore::Tuple& original, bool v4, unsigned number) {
  flowstore::Tuple reply{original.destination, original.source, original.destination_port, original.source_port,
                         original.protocol};
  if (original.protocol == IPPROTO_ICMP || original.protocol == IPPROTO_ICMPV6) {
    reply.source_port = original.source_port;
    reply.destination_port = original.protocol == IPPROTO_ICMP ? 0 : 129 << 8;
  }
  if (random.below(3) == 0) reply.source = random_address(random, v4, number + 0x400000);
  if (random.below(3) == 0) reply.destination = random_address(random, v4, number + 0x800000);
  if (has_ports(original.protocol) && random.below(3) == 0)
    reply.source_port = static_cast<std::uint16_t>(random.below(65536));
  return reply;
}

// Entries of different numbers never collide.
inline Entry random_entry(Mutations& random, unsigned number) {
  const bool v4 = random.below(2) == 0;
  const auto icmp = static_cast<std::uint8_t>(v4 ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6});
  const std::uint8_t protocols[] = {IPPROTO_TCP,  IPPROTO_TCP, IPPROTO_UDP, icmp,
                                    IPPROTO_SCTP, IPPROTO_GRE, IPPROTO_ESP, IPPROTO_UDPLITE};
  Entry entry;
  const auto any16 = [&random] { return static_cast<std::uint16_t>(random.below(65536)); };
  entry.original = {random_address(random, v4, number), random_address(random, v4, number + 0xc00000), any16(), any16(),
                    protocols[random.below(std::size(protocols))]};
  if (entry.original.protocol == icmp) {
    entry.original.destination_port = static_cast<std::uint16_t>((v4 ? 8 : 128) << 8);
  } else if (!has_ports(entry.original.protocol)) {
    entry.original.source_port = entry.original.destination_port = 0;
  }
  entry.reply = random_reply(random, entry.original, v4, number);
  if (entry.original.protocol == IPPROTO_TCP) entry.tcp_state = static_cast<std::uint8_t>(random.below(10));
  if (entry.original.protocol == IPPROTO_SCTP) entry.sctp_state = static_cast<std::uint8_t>(random.below(8));
  switch (random.below(6)) {
    case 0:
      break;
    case 1:
      entry.original_zone = any16();
      break;
    case 2:
      entry.reply_zone = any16();
      break;
    default:
      entry.zone = any16();
  }
  entry.mark = static_cast<std::uint32_t>(random.below(3)) * 0x01020304u;
  entry.timeout_s = static_cast<std::uint32_t>(100 + random.below(400'000));
  entry.status = IPS_CONFIRMED | (random.below(3) == 0 ? 0u : std::uint32_t{IPS_SEEN_REPLY}) |
                 (random.below(2) == 0 ? 0u : std::uint32_t{IPS_ASSURED});
  if (random.below(3) == 0) {
    entry.labels.resize(16);
    for (std::uint8_t& octet : entry.labels) octet = static_cast<std::uint8_t>(random.below(256));
  }
  return entry;
}

}  // namespace ofe::conntrack
