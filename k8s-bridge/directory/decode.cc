#include "k8s-bridge/directory/decode.h"

#include <algorithm>
#include <limits>

namespace ofe::k8s {

namespace {

constexpr std::uint32_t ipv4_bits = 32, ipv6_bits = 128;

// Each address once, in the order given; false when one had to be left out.
bool decode_addresses(const google::protobuf::RepeatedPtrField<std::string>& in, std::vector<Address>& out) {
  bool all = true;
  out.reserve(static_cast<std::size_t>(in.size()));
  for (const std::string& bytes : in) {
    const std::optional<Address> address = address_from_bytes(bytes);
    if (!address) {
      all = false;
    } else if (std::find(out.begin(), out.end(), *address) == out.end()) {
      out.push_back(*address);
    }
  }
  return all;
}

std::optional<Cidr> decode_cidr(const metadata::v1::Cidr& in) {
  const std::optional<Address> address = address_from_bytes(in.address());
  if (!address) return std::nullopt;
  const std::uint32_t family_bits = in.address().size() == 4 ? ipv4_bits : ipv6_bits;
  if (in.prefix_length() > family_bits) return std::nullopt;
  Cidr cidr{*address, static_cast<std::uint8_t>(ipv6_bits - family_bits + in.prefix_length())};
  return cidr;
}

std::optional<ServicePort> decode_port(const metadata::v1::ServicePort& in) {
  constexpr std::uint32_t port_max = std::numeric_limits<std::uint16_t>::max();
  constexpr std::uint32_t protocol_max = std::numeric_limits<std::uint8_t>::max();
  if (in.port() == 0 || in.port() > port_max || in.node_port() > port_max) return std::nullopt;
  if (in.protocol() == 0 || in.protocol() > protocol_max) return std::nullopt;
  return ServicePort{in.name(), static_cast<std::uint16_t>(in.port()), static_cast<std::uint8_t>(in.protocol()),
                     static_cast<std::uint16_t>(in.node_port())};
}

Validity validity(bool all_parts) {
  return all_parts ? Validity::whole : Validity::parts_left_out;
}

}  // namespace

Validity decode(const metadata::v1::Pod& message, DecodedPod& out) {
  if (message.name().empty()) return Validity::unusable;
  out = {};
  out.pod.pod_namespace = message.namespace_();
  out.pod.name = message.name();
  out.pod.uid = message.uid();
  out.pod.node_name = message.node_name();
  out.pod.host_network = message.host_network();
  out.pod.start_wall_ms = message.start_wall_ms();
  out.deleted_wall_ms = message.deleted_wall_ms();
  out.pod.ended = message.phase() == metadata::v1::Pod::SUCCEEDED || message.phase() == metadata::v1::Pod::FAILED;
  return validity(decode_addresses(message.ips(), out.pod.addresses));
}

Validity decode(const metadata::v1::Service& message, Service& out) {
  if (message.name().empty()) return Validity::unusable;
  out = {};
  out.service_namespace = message.namespace_();
  out.name = message.name();
  out.type = message.type();
  bool all = decode_addresses(message.cluster_ips(), out.cluster_ips);
  all = decode_addresses(message.external_ips(), out.external_ips) && all;
  for (const metadata::v1::ServicePort& port : message.ports()) {
    if (std::optional<ServicePort> decoded = decode_port(port)) {
      out.ports.push_back(*std::move(decoded));
    } else {
      all = false;
    }
  }
  return validity(all);
}

Validity decode(const metadata::v1::Node& message, Node& out) {
  if (message.name().empty()) return Validity::unusable;
  out = {};
  out.name = message.name();
  bool all = decode_addresses(message.addresses(), out.addresses);
  for (const metadata::v1::Cidr& cidr : message.pod_cidrs()) {
    if (const std::optional<Cidr> decoded = decode_cidr(cidr)) {
      out.pod_cidrs.push_back(*decoded);
    } else {
      all = false;
    }
  }
  return validity(all);
}

}  // namespace ofe::k8s
