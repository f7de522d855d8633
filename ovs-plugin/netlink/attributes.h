// Netlink attributes in place (linux/netlink.h, struct nlattr), without allocation.
#pragma once

#include <linux/netlink.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>

namespace ofe::netlink {

using Octets = std::span<const std::uint8_t>;

struct Attribute {
  std::uint16_t type = 0;  // without NLA_F_NESTED and NLA_F_NET_BYTEORDER
  Octets value;
};

// Calls `visit` for each attribute. False: one is cut short, or `visit` said no. Plain pointers and whole numbers here,
// as a conntrack message has some forty attributes and a dump a million messages.
template <class Visit>
bool each_attribute(Octets octets, Visit&& visit) {
  const std::uint8_t* at = octets.data();
  for (std::size_t left = octets.size(); left > 0;) {
    nlattr header;
    if (left < sizeof header) return false;
    std::memcpy(&header, at, sizeof header);
    if (header.nla_len < sizeof header || header.nla_len > left) return false;
    const auto type = static_cast<std::uint16_t>(header.nla_type & NLA_TYPE_MASK);
    if (!visit(Attribute{type, {at + sizeof header, header.nla_len - sizeof header}})) return false;
    const std::size_t step = std::min<std::size_t>(NLA_ALIGN(header.nla_len), left);
    at += step;
    left -= step;
  }
  return true;
}

}  // namespace ofe::netlink
