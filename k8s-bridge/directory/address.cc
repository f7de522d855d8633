#include <algorithm>

#include "k8s-bridge/directory/directory.h"

namespace ofe::k8s {

namespace {

// RFC 4291 section 2.5.5.2: ::ffff:0:0/96.
constexpr Address ipv4_mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::size_t ipv4_offset = 12;

}  // namespace

std::optional<Address> address_from_bytes(const std::string& bytes) {
  Address address{};
  if (bytes.size() == address.size()) {
    std::copy(bytes.begin(), bytes.end(), address.begin());
  } else if (bytes.size() == address.size() - ipv4_offset) {
    address = ipv4_mapped;
    std::copy(bytes.begin(), bytes.end(), address.begin() + ipv4_offset);
  } else {
    return std::nullopt;
  }
  return address;
}

bool Cidr::contains(const Address& address) const {
  const std::size_t whole_octets = prefix_length / 8u;
  if (!std::equal(network.begin(), network.begin() + whole_octets, address.begin())) return false;
  const unsigned rest = prefix_length % 8u;
  if (rest == 0) return true;
  const unsigned difference = network[whole_octets] ^ address[whole_octets];
  return difference >> (8u - rest) == 0;
}

}  // namespace ofe::k8s
