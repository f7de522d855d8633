#include "ovs-plugin/record/names.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

namespace ofe::record {
namespace {

struct Endpoint {
  std::string pod, pod_namespace, node;
};

// Which Node an address belongs to: its own, or the one whose Pod CIDR holds it (Pods not known yet, gateways).
const k8s::Node* node_of(const flowstore::Address& address, const k8s::Directory& directory) {
  if (const k8s::Node* node = directory.node(address)) return node;
  return directory.node_of_pod_address(address);
}

Endpoint endpoint(const flowstore::Address& address, std::int64_t at_wall_ms, const k8s::Directory& directory,
                  const LocalPorts& ports, const NamingOptions& options, NamingStats& stats) {
  const k8s::Pod* const pod = directory.pod(address, at_wall_ms);
  const bool held_before = pod != nullptr && pod->removed_wall_ms != 0;
  if (const LocalPort* port = ports.find(address); port != nullptr && !held_before) {
    stats.ports_over_directory +=
        pod != nullptr && (pod->name != port->pod_name || pod->pod_namespace != port->pod_namespace);
    return {port->pod_name, port->pod_namespace, options.node_name};
  }
  if (pod != nullptr && (options.remote_names || pod->node_name == options.node_name)) {
    return {pod->name, pod->pod_namespace, pod->node_name};
  }
  const k8s::Node* node = node_of(address, directory);
  if (node != nullptr && (options.remote_names || node->name == options.node_name)) return {"", "", node->name};
  return {};
}

// Antrea and others give a Node the first address of its Pod range.
bool is_gateway(const flowstore::Address& address, const k8s::Node& node) {
  return std::ranges::any_of(node.pod_cidrs, [&](const k8s::Cidr& cidr) {
    flowstore::Address first = cidr.network;
    first.back() |= 1;
    return address == first;
  });
}

EndKind kind_of(const flowstore::Address& address, std::int64_t at_wall_ms, const k8s::Directory& directory,
                const LocalPorts& ports, const NamingOptions& options) {
  if (ports.find(address) != nullptr) return EndKind::pod_here;
  if (const k8s::Pod* pod = directory.pod(address, at_wall_ms)) {
    return pod->node_name == options.node_name ? EndKind::pod_here : EndKind::pod_elsewhere;
  }
  // Of this Node every Pod is known, of others not.
  if (const k8s::Node* node = directory.node_of_pod_address(address)) {
    const bool no_pod = node->name == options.node_name || is_gateway(address, *node);
    return no_pod ? EndKind::gateway : EndKind::pod_elsewhere;
  }
  if (directory.node(address) != nullptr) return EndKind::node;
  const bool of_a_pod =
      std::ranges::any_of(options.pod_cidrs, [&](const flowstore::Prefix& cidr) { return cidr.contains(address); });
  return of_a_pod ? EndKind::pod_elsewhere : EndKind::outside;
}

// The address of the Service that a node port stands for; all zero when it has none of that family.
flowstore::Address cluster_ip_like(const flowstore::Address& asked, const k8s::Service& service) {
  for (const k8s::Address& address : service.cluster_ips) {
    if (flowstore::is_ipv4(address) == flowstore::is_ipv4(asked)) return address;
  }
  return {};
}

// An address with every Service's node ports: a Node's own, or the one that Antrea's proxyAll has the host translate it
// to before the bridge sees the packet (VirtualNodePortDNATIPv4 and IPv6 in Antrea's pkg/agent/config/node_config.go).
bool has_node_ports(const flowstore::Address& address, const k8s::Directory& directory) {
  static const flowstore::Address antrea_ipv4 = *flowstore::parse_address("169.254.0.252");
  static const flowstore::Address antrea_ipv6 = *flowstore::parse_address("fc01::aabb:ccdd:eefe");
  return address == antrea_ipv4 || address == antrea_ipv6 || directory.node(address) != nullptr;
}

// By the original destination: an address of the Service's own, or one that has its node port.
void resolve_service(const flowstore::Tuple& original, const k8s::Directory& directory, Names& names) {
  auto match = directory.service(original.destination, original.destination_port, original.protocol);
  const bool by_address = match.service != nullptr;
  if (!by_address && has_node_ports(original.destination, directory)) {
    match = directory.service_by_node_port(original.destination_port, original.protocol);
  }
  if (match.service == nullptr) return;
  names.service_address = by_address ? original.destination : cluster_ip_like(original.destination, *match.service);
  names.service_port_name = absl::StrCat(match.service->service_namespace, "/", match.service->name,
                                         match.port->name.empty() ? "" : ":", match.port->name);
}

}  // namespace

Names resolve(const flowstore::Flow& flow, const k8s::Directory& directory, const LocalPorts& ports,
              const NamingOptions& options, NamingStats& stats) {
  Names names;
  const Endpoint source = endpoint(flow.original.source, flow.start_wall_ms, directory, ports, options, stats);
  names.source_pod = source.pod;
  names.source_namespace = source.pod_namespace;
  names.source_node = source.node;
  // The endpoint after DNAT is who replies.
  const Endpoint destination = endpoint(flow.reply.source, flow.start_wall_ms, directory, ports, options, stats);
  names.destination_pod = destination.pod;
  names.destination_namespace = destination.pod_namespace;
  names.destination_node = destination.node;
  names.ends = {kind_of(flow.original.source, flow.start_wall_ms, directory, ports, options),
                kind_of(flow.reply.source, flow.start_wall_ms, directory, ports, options)};
  if (options.services) resolve_service(flow.original, directory, names);
  return names;
}

bool exported_here(const flowstore::Flow& flow, const k8s::Directory& directory, const LocalPorts& ports,
                   const NamingOptions& options) {
  const flowstore::Address& source = flow.original.source;
  if (ports.find(source) != nullptr) return true;
  if (const k8s::Pod* pod = directory.pod(source, flow.start_wall_ms)) return pod->node_name == options.node_name;
  if (const k8s::Node* node = node_of(source, directory)) return node->name == options.node_name;
  // Without the directory: an address of the cluster's Pod range that is no local port's came in over the tunnel or
  // uplink, and the Node it came from exports it.
  return std::none_of(options.pod_cidrs.begin(), options.pod_cidrs.end(),
                      [&](const flowstore::Prefix& cidr) { return cidr.contains(source); });
}

}  // namespace ofe::record
