#include "flowstore/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace flowstore {
namespace {

constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::uint8_t mapped_bits = 96;
constexpr std::uint8_t address_bits = 128;

// Bits of octet `index` that a prefix of `length` bits covers.
std::uint8_t mask_octet(std::size_t index, std::uint8_t length) {
  const int covered = std::clamp(static_cast<int>(length) - static_cast<int>(index) * 8, 0, 8);
  return static_cast<std::uint8_t>(0xff00u >> covered);
}

std::optional<unsigned> parse_length(std::string_view text) {
  unsigned length = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, length);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return length;
}

// Dotted as inet_pton wants it: four numbers of up to three digits without leading zeros. By hand, as the text of a
// dump has four of them in a line.
bool parse_dotted(std::string_view text, std::uint8_t (&octets)[4]) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    if (i != 0 && (at == text.size() || text[at++] != '.')) return false;
    const std::size_t first = at;
    unsigned value = 0;
    for (; at < text.size() && at - first < 3 && text[at] >= '0' && text[at] <= '9'; ++at) {
      value = 10 * value + static_cast<unsigned>(text[at] - '0');
    }
    if (at == first || value > 255 || (at - first > 1 && text[first] == '0')) return false;
    octets[i] = static_cast<std::uint8_t>(value);
  }
  return at == text.size();
}

}  // namespace

Address address_from_ipv4(const std::uint8_t octets[4]) {
  Address address;
  std::copy(mapped_prefix.begin(), mapped_prefix.end(), address.begin());
  std::copy(octets, octets + 4, address.begin() + mapped_prefix.size());
  return address;
}

std::optional<Address> parse_address(std::string_view text) {
  std::uint8_t octets[4];
  if (parse_dotted(text, octets)) return address_from_ipv4(octets);
  if (text == "::") return Address{};
  // inet_pton wants a terminated string; one with a NUL inside would be read only up to it.
  char terminated[INET6_ADDRSTRLEN];
  if (text.size() >= sizeof terminated || text.find('\0') != text.npos) return std::nullopt;
  std::memcpy(terminated, text.data(), text.size());
  terminated[text.size()] = '\0';

  Address address;
  if (inet_pton(AF_INET6, terminated, address.data()) != 1) return std::nullopt;
  return address;
}

std::string to_string(const Address& address) {
  char text[INET6_ADDRSTRLEN];
  if (is_ipv4(address)) {
    inet_ntop(AF_INET, address.data() + mapped_prefix.size(), text, sizeof text);
  } else {
    inet_ntop(AF_INET6, address.data(), text, sizeof text);
  }
  return text;
}

bool Prefix::contains(const Address& address) const {
  for (std::size_t i = 0; i < address.size(); ++i) {
    if ((address[i] ^ network[i]) & mask_octet(i, length)) return false;
  }
  return true;
}

std::optional<Prefix> parse_prefix(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::optional<Address> address = parse_address(text.substr(0, slash));
  if (!address) return std::nullopt;

  // The length counts in the form the text was written in: ::ffff:10.0.0.0/104 is 10.0.0.0/8.
  const bool written_as_ipv4 = text.find(':') == text.npos;
  const unsigned longest = written_as_ipv4 ? address_bits - mapped_bits : address_bits;
  unsigned length = longest;
  if (slash != text.npos) {
    const std::optional<unsigned> parsed = parse_length(text.substr(slash + 1));
    if (!parsed || *parsed > longest) return std::nullopt;
    length = *parsed;
  }

  Prefix prefix{*address, static_cast<std::uint8_t>(written_as_ipv4 ? length + mapped_bits : length)};
  for (std::size_t i = 0; i < prefix.network.size(); ++i) prefix.network[i] &= mask_octet(i, prefix.length);
  return prefix;
}

std::string to_string(const Prefix& prefix) {
  const bool ipv4 = is_ipv4(prefix.network) && prefix.length >= mapped_bits;
  return to_string(prefix.network) + "/" + std::to_string(ipv4 ? prefix.length - mapped_bits : prefix.length);
}

}  // namespace flowstore
