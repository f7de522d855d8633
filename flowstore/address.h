// IP addresses as 16 octets in network order; IPv4 is kept IPv4-mapped (::ffff:a.b.c.d, RFC 4291 section 2.5.5.2), so
// that one type, one comparison and one hash serve both families.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace flowstore {

using Address = std::array<std::uint8_t, 16>;

// From four octets in network order.
Address address_from_ipv4(const std::uint8_t octets[4]);
inline bool is_ipv4(const Address& address) {
  constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::memcmp(address.data(), mapped_prefix.data(), mapped_prefix.size()) == 0;
}
// The last four octets; meaningful only when is_ipv4().
inline std::array<std::uint8_t, 4> ipv4_octets(const Address& address) {
  return {address[12], address[13], address[14], address[15]};
}

// Text as inet_pton(3) takes it, without zone index or prefix; nullopt for anything else.
std::optional<Address> parse_address(std::string_view text);
// As inet_ntop(3) prints it; IPv4-mapped addresses in dotted form.
std::string to_string(const Address& address);

// A prefix such as 10.10.0.0/24; octets beyond the length are zero.
struct Prefix {
  Address network{};
  std::uint8_t length = 0;  // counted in the 128-bit form: 10.0.0.0/8 has length 104

  bool contains(const Address& address) const;
  friend bool operator==(const Prefix&, const Prefix&) = default;
};
// "10.10.0.0/24", "fd00:10::/64", or a bare address (whole length). Host bits that are set are cleared.
std::optional<Prefix> parse_prefix(std::string_view text);
std::string to_string(const Prefix& prefix);

}  // namespace flowstore
