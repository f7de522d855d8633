#include "ovs-plugin/record/flow_ports.h"

#include <algorithm>

namespace ofe::record {
namespace {

struct Search {
  const flowstore::Flow& flow;
  std::string_view bridge;
  const Ports& ports;
  const k8s::Directory& directory;
  const NamingOptions& options;

  const Port* gateway_or_uplink() const {
    const Port* gateway = ports.first(PortKind::gateway, bridge);
    return gateway != nullptr ? gateway : ports.first(PortKind::uplink, bridge);
  }

  const Port* to_other_nodes() const {
    if (const Port* tunnel = ports.first(PortKind::tunnel, bridge)) return tunnel;
    if (const Port* uplink = ports.first(PortKind::uplink, bridge)) return uplink;
    return ports.first(PortKind::gateway, bridge);  // routed by the Node
  }

  const Port* of(const flowstore::Address& address) const {
    if (const Port* port = ports.by_pod_address(address)) return port;
    if (const k8s::Pod* pod = directory.pod(address, flow.start_wall_ms)) {
      return pod->node_name == options.node_name ? ports.by_pod(pod->pod_namespace, pod->name) : to_other_nodes();
    }
    if (directory.node(address) != nullptr) return gateway_or_uplink();
    if (const k8s::Node* node = directory.node_of_pod_address(address)) {
      return node->name == options.node_name ? gateway_or_uplink() : to_other_nodes();
    }
    const bool of_a_pod =
        std::ranges::any_of(options.pod_cidrs, [&](const flowstore::Prefix& cidr) { return cidr.contains(address); });
    return of_a_pod ? to_other_nodes() : gateway_or_uplink();
  }
};

}  // namespace

FlowPorts ports_of(const flowstore::Flow& flow, std::string_view bridge, const Ports& ports,
                   const k8s::Directory& directory, const NamingOptions& options) {
  const Search search{flow, bridge, ports, directory, options};
  return {search.of(flow.original.source), search.of(flow.reply.source)};
}

}  // namespace ofe::record
