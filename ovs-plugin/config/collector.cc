// The address of a collector, as flowCollectorAddr spells it.
#include <algorithm>
#include <cctype>
#include <charconv>
#include <vector>

#include "ovs-plugin/config/config.h"

namespace ofe::config {
namespace {

constexpr std::size_t kMaxLabel = 63, kMaxName = 253;  // RFC 1035 section 2.3.4

std::string quoted(std::string_view text) {
  return "\"" + std::string(text) + "\"";
}

bool is_alphanumeric(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

// Underscores are no part of a host name, but resolvers take them and people use them.
bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= kMaxLabel && label.front() != '-' && label.back() != '-' &&
         std::ranges::all_of(label, [](char c) { return is_alphanumeric(c) || c == '-' || c == '_'; });
}

bool is_dns_name(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  const std::vector<std::string_view> labels = split(name, '.');
  const bool all_digits = std::ranges::all_of(labels.back(), [](char c) { return c >= '0' && c <= '9'; });
  return name.size() <= kMaxName && std::ranges::all_of(labels, is_label) && !all_digits;  // 1.2.3.400 is no name
}

// Names of Kubernetes objects: RFC 1123 labels in lower case.
bool is_object_name(std::string_view name) {
  return is_label(name) &&
         std::ranges::all_of(name, [](char c) { return c == '-' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

bool is_ipv6(std::string_view text) {
  const std::size_t zone = text.find('%');  // fe80::1%eth0: getaddrinfo(3) takes it
  if (zone != std::string_view::npos) {
    if (zone + 1 == text.size() || text.size() - zone > 16) return false;
    text = text.substr(0, zone);
  }
  return text.find(':') != std::string_view::npos && flowstore::parse_address(text).has_value();
}

std::optional<CollectorProtocol> protocol_of(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (lower == "tcp") return CollectorProtocol::tcp;
  if (lower == "udp") return CollectorProtocol::udp;
  if (lower == "tls") return CollectorProtocol::tls;
  return std::nullopt;
}

bool set_host(std::string_view host, Collector& collector, std::string& error) {
  if (host.starts_with('[')) {
    collector.host = host.substr(1, host.size() - 2);
    if (is_ipv6(collector.host)) return true;
    error = quoted(collector.host) + " is not an IPv6 address";
    return false;
  }
  if (host.find('/') != std::string_view::npos) {
    const std::vector<std::string_view> names = split(host, '/');
    if (names.size() == 2 && is_object_name(names[0]) && is_object_name(names[1])) {
      collector.service_namespace = names[0];
      collector.service_name = names[1];
      return true;
    }
    error = quoted(host) + " is not the <namespace>/<name> of a Service";
    return false;
  }
  collector.host = host;
  if (is_host(host)) return true;
  error = host.empty() ? "the host is missing" : quoted(host) + " is neither an IP address nor a host name";
  return false;
}

bool set_port(std::string_view text, Collector& collector, std::string& error) {
  unsigned int port = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || end != text.data() + text.size() || status == std::errc::invalid_argument) {
    error = "port " + quoted(text) + " is not a number";
    return false;
  }
  if (status != std::errc() || port < 1 || port > 65535) {
    error = "port " + std::string(text) + " is not within 1 to 65535";
    return false;
  }
  collector.port = static_cast<std::uint16_t>(port);
  return true;
}

bool set_protocol(std::string_view text, Collector& collector, std::string& error) {
  const std::optional<CollectorProtocol> protocol = protocol_of(text);
  if (protocol) collector.protocol = *protocol;
  if (!protocol) error = "protocol " + quoted(text) + " is none of tcp, udp and tls";
  return protocol.has_value();
}

}  // namespace

bool is_host(std::string_view text) {
  return flowstore::parse_address(text).has_value() || is_dns_name(text);
}

std::optional<Collector> parse_collector(std::string_view text, std::string& error) {
  Collector collector;
  std::string_view host, rest;  // rest: "", ":port", "::proto", ":port:proto"
  const std::size_t bracket = text.starts_with('[') ? text.find(']') : std::string_view::npos;
  const std::size_t end = bracket != std::string_view::npos ? bracket + 1 : std::min(text.find(':'), text.size());
  host = text.substr(0, end);
  rest = text.substr(end);
  if (text.starts_with('[') && bracket == std::string_view::npos) {
    error = "the bracket is not closed";
    return std::nullopt;
  }
  if (!text.starts_with('[') && is_ipv6(text)) {
    error = "an IPv6 address stands in brackets";
    return std::nullopt;
  }
  if (!rest.empty() && rest.front() != ':') {
    error = quoted(rest) + " follows the bracket";
    return std::nullopt;
  }
  const std::vector<std::string_view> parts =
      rest.empty() ? std::vector<std::string_view>{} : split(rest.substr(1), ':');
  if (parts.size() > 2) {
    error = "there are too many colons (an IPv6 address stands in brackets)";
    return std::nullopt;
  }
  if (!set_host(host, collector, error)) return std::nullopt;
  // A Service's port may be left out in front of the protocol: "ns/name:udp".
  const bool service = !collector.service_name.empty();
  if (parts.size() == 1 && !(service && set_protocol(parts[0], collector, error)) &&
      !set_port(parts[0], collector, error)) {
    return std::nullopt;
  }
  if (parts.size() == 2 &&
      ((!parts[0].empty() && !set_port(parts[0], collector, error)) || !set_protocol(parts[1], collector, error))) {
    return std::nullopt;
  }
  error.clear();
  return collector;
}

std::vector<Collector> Config::all_collectors() const {
  std::vector<Collector> all = more_collectors;
  if (collector) all.insert(all.begin(), *collector);
  return all;
}

std::string to_string(const Collector& collector) {
  static constexpr const char* kProtocols[] = {"tcp", "udp", "tls"};
  std::string host = collector.host;
  if (!collector.service_name.empty()) host = collector.service_namespace + "/" + collector.service_name;
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  return host + ":" + std::to_string(collector.port) + ":" + kProtocols[static_cast<int>(collector.protocol)];
}

}  // namespace ofe::config
