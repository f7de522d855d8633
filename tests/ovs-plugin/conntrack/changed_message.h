// Attributes put into a ctnetlink message, or taken out of it, with all lengths right.
#pragma once

#include <algorithm>
#include <cstring>
#include <vector>

#include "tests/ovs-plugin/conntrack/kernel_entries.h"

namespace ofe::conntrack {

inline void set_length(RawMessage& message) {
  reinterpret_cast<nlmsghdr*>(message.data())->nlmsg_len = static_cast<std::uint32_t>(message.size());
}

inline nlattr attribute_at(const RawMessage& message, std::size_t at) {
  nlattr header;
  std::memcpy(&header, message.data() + at, sizeof header);
  return header;
}

struct Place {
  std::size_t at;        // the attribute's header
  std::uint16_t parent;  // the type of the attribute that holds it; 0: the message does
};

// Of the attributes of a message and of those that hold others.
inline std::vector<Place> attribute_places(const RawMessage& message) {
  std::vector<Place> places;
  const auto walk = [&](auto&& self, std::size_t at, std::size_t end, std::uint16_t parent) -> void {
    while (at + sizeof(nlattr) <= end) {
      const nlattr header = attribute_at(message, at);
      places.push_back({at, parent});
      if (header.nla_type & NLA_F_NESTED) {
        self(self, at + sizeof header, at + header.nla_len, header.nla_type & NLA_TYPE_MASK);
      }
      at += NLA_ALIGN(header.nla_len);
    }
  };
  walk(walk, MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(nfgenmsg)), message.size(), 0);
  return places;
}

// Every attribute that holds `place` becomes so much longer, in `changed`.
inline void grow_nests(const RawMessage& message, std::size_t place, std::ptrdiff_t octets, RawMessage& changed) {
  for (const auto& [at, parent] : attribute_places(message)) {
    nlattr header = attribute_at(message, at);
    if (at >= place || at + header.nla_len <= place) continue;
    header.nla_len = static_cast<std::uint16_t>(header.nla_len + octets);
    std::memcpy(changed.data() + at, &header, sizeof header);
  }
}

inline RawMessage with_attribute(const RawMessage& message, std::size_t place,
                                 const std::vector<std::uint8_t>& attribute) {
  RawMessage longer = message;
  grow_nests(message, place, static_cast<std::ptrdiff_t>(attribute.size()), longer);
  longer.insert(longer.begin() + static_cast<std::ptrdiff_t>(place), attribute.begin(), attribute.end());
  set_length(longer);
  return longer;
}

inline RawMessage without_attribute(const RawMessage& message, std::size_t place) {
  RawMessage shorter = message;
  const auto octets = static_cast<std::ptrdiff_t>(NLA_ALIGN(attribute_at(message, place).nla_len));
  grow_nests(message, place, -octets, shorter);
  const auto from = shorter.begin() + static_cast<std::ptrdiff_t>(place);
  shorter.erase(from, std::min(from + octets, shorter.end()));
  set_length(shorter);
  return shorter;
}

}  // namespace ofe::conntrack
