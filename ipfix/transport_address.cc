#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

#include <array>
#include <cstring>

#include "ipfix/exporting_process.h"

namespace ipfix {
namespace {

std::optional<std::uint32_t> scope_id(const std::string& interface) {
  const unsigned index = if_nametoindex(interface.c_str());
  return index != 0 ? std::optional<std::uint32_t>(index) : std::nullopt;
}

std::optional<SocketAddress> ipv4_address(const std::string& host, std::uint16_t port) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(port);
  if (inet_pton(AF_INET, host.c_str(), &in.sin_addr) != 1) return std::nullopt;
  SocketAddress address;
  std::memcpy(&address.storage, &in, sizeof in);
  address.length = sizeof in;
  return address;
}

// A link-local address may name its interface: fe80::1%eth0 (RFC 4007 section 11).
std::optional<SocketAddress> ipv6_address(const std::string& host, std::uint16_t port) {
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(port);
  const std::size_t percent = host.find('%');
  if (inet_pton(AF_INET6, host.substr(0, percent).c_str(), &in.sin6_addr) != 1) return std::nullopt;
  if (percent != std::string::npos) {
    const std::optional<std::uint32_t> scope = scope_id(host.substr(percent + 1));
    if (!scope) return std::nullopt;
    in.sin6_scope_id = *scope;
  }
  SocketAddress address;
  std::memcpy(&address.storage, &in, sizeof in);
  address.length = sizeof in;
  return address;
}

std::string ipv6_to_string(const sockaddr_in6& in) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(AF_INET6, &in.sin6_addr, text.data(), text.size());
  std::string result = std::string("[") + text.data();
  std::array<char, IF_NAMESIZE> interface {};
  if (in.sin6_scope_id != 0) {
    const char* const name = if_indextoname(in.sin6_scope_id, interface.data());
    result += "%" + (name != nullptr ? std::string(name) : std::to_string(in.sin6_scope_id));
  }
  return result + "]:" + std::to_string(ntohs(in.sin6_port));
}

}  // namespace

std::optional<SocketAddress> numeric_address(const std::string& host, std::uint16_t port) {
  if (const auto address = ipv4_address(host, port)) return address;
  return ipv6_address(host, port);
}

std::string to_string(const SocketAddress& address) {
  if (address.storage.ss_family == AF_INET && address.length >= sizeof(sockaddr_in)) {
    sockaddr_in in{};
    std::memcpy(&in, &address.storage, sizeof in);
    std::array<char, INET_ADDRSTRLEN> text{};
    inet_ntop(AF_INET, &in.sin_addr, text.data(), text.size());
    return std::string(text.data()) + ":" + std::to_string(ntohs(in.sin_port));
  }
  if (address.storage.ss_family == AF_INET6 && address.length >= sizeof(sockaddr_in6)) {
    sockaddr_in6 in{};
    std::memcpy(&in, &address.storage, sizeof in);
    return ipv6_to_string(in);
  }
  return "";
}

}  // namespace ipfix
