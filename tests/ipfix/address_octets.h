// The octets of a numeric address, in network order.
#pragma once

#include <arpa/inet.h>

#include <cstdint>
#include <string>
#include <vector>

namespace ipfix_test {

// Empty: it is none.
inline std::vector<std::uint8_t> address_octets(const std::string& text) {
  std::vector<std::uint8_t> octets(16);
  if (inet_pton(AF_INET6, text.c_str(), octets.data()) == 1) return octets;
  octets.resize(4);
  if (inet_pton(AF_INET, text.c_str(), octets.data()) == 1) return octets;
  return {};
}

}  // namespace ipfix_test
