// Metadata messages for tests, written as in "one Pod named a at 10.0.0.1 since 1000".
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

#include "k8s-bridge/directory/directory.h"

namespace ofe::k8s::test {

constexpr std::uint8_t tcp = 6, udp = 17;

// Address octets as messages carry them, from text of either family.
inline std::string octets(const std::string& text) {
  const bool ipv6 = text.find(':') != std::string::npos;
  std::string bytes(ipv6 ? 16 : 4, '\0');
  if (inet_pton(ipv6 ? AF_INET6 : AF_INET, text.c_str(), bytes.data()) != 1) ADD_FAILURE() << "no address: " << text;
  return bytes;
}

inline Address address(const std::string& text) {
  return address_from_bytes(octets(text)).value();
}

// Its uid is "uid-" and its name, its namespace "default".
inline metadata::v1::Pod pod(const std::string& name, std::initializer_list<std::string> addresses,
                             std::int64_t start_wall_ms) {
  metadata::v1::Pod message;
  message.set_namespace_("default");
  message.set_name(name);
  message.set_uid("uid-" + name);
  message.set_node_name("worker");
  message.set_phase(metadata::v1::Pod::RUNNING);
  message.set_start_wall_ms(start_wall_ms);
  for (const std::string& text : addresses) message.add_ips(octets(text));
  return message;
}

inline metadata::v1::Service service(const std::string& name, std::initializer_list<std::string> cluster_ips) {
  metadata::v1::Service message;
  message.set_namespace_("default");
  message.set_name(name);
  message.set_type("ClusterIP");
  for (const std::string& text : cluster_ips) message.add_cluster_ips(octets(text));
  return message;
}

inline metadata::v1::Service with_port(metadata::v1::Service message, std::uint32_t port, std::uint32_t protocol,
                                       const std::string& port_name) {
  metadata::v1::ServicePort* added = message.add_ports();
  added->set_port(port);
  added->set_protocol(protocol);
  added->set_name(port_name);
  return message;
}

inline metadata::v1::Node node(const std::string& name, std::initializer_list<std::string> addresses) {
  metadata::v1::Node message;
  message.set_name(name);
  for (const std::string& text : addresses) message.add_addresses(octets(text));
  return message;
}

inline metadata::v1::Node with_cidr(metadata::v1::Node message, const std::string& network, std::uint32_t length) {
  metadata::v1::Cidr* cidr = message.add_pod_cidrs();
  cidr->set_address(octets(network));
  cidr->set_prefix_length(length);
  return message;
}

inline metadata::v1::Removal removal(metadata::v1::Removal::Kind kind, const std::string& name,
                                     const std::string& uid = "") {
  metadata::v1::Removal message;
  message.set_kind(kind);
  message.set_namespace_("default");
  message.set_name(name);
  message.set_uid(uid);
  return message;
}

inline void add(metadata::v1::Update& update, const metadata::v1::Pod& message) {
  *update.add_pods() = message;
}
inline void add(metadata::v1::Update& update, const metadata::v1::Service& message) {
  *update.add_services() = message;
}
inline void add(metadata::v1::Update& update, const metadata::v1::Node& message) {
  *update.add_nodes() = message;
}
inline void add(metadata::v1::Update& update, const metadata::v1::Removal& message) {
  *update.add_removals() = message;
}

template <typename... Messages>
metadata::v1::Update update_of(const Messages&... messages) {
  metadata::v1::Update update;
  (add(update, messages), ...);
  return update;
}

// The name of the Pod at that address and time, "-" for none.
inline std::string pod_name(const Directory& directory, const std::string& text, std::int64_t at_wall_ms) {
  const Pod* found = directory.pod(address(text), at_wall_ms);
  return found == nullptr ? "-" : found->name;
}

// "service:port name", "-" for none.
inline std::string service_name(const Directory& directory, const std::string& text, std::uint16_t port,
                                std::uint8_t protocol) {
  const Directory::ServiceMatch found = directory.service(address(text), port, protocol);
  return found.service == nullptr ? "-" : found.service->name + ':' + found.port->name;
}

inline std::string name_of(const Node* found) {
  return found == nullptr ? "-" : found->name;
}

}  // namespace ofe::k8s::test
