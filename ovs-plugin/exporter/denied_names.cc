#include "ovs-plugin/exporter/denied_names.h"

#include <utility>

namespace ofe {
namespace {

bool is_whole(const datapath::Masked<flowstore::Address>& address) {
  return denied::prefix_length(address, false) == 128;
}

record::Names known_now(const State& state, const denied::Drop& drop) {
  record::NamingStats not_of_connections;
  record::Names names = record::resolve(as_flow(drop), state.directory, state.ports, state.naming, not_of_connections);
  const record::Port* port = state.bridge_ports.by_interface(drop.key.in_port);
  if (port != nullptr && port->kind == record::PortKind::pod && port->bridge == state.settings.bridge) {
    names.source_pod = port->pod.pod_name;
    names.source_namespace = port->pod.pod_namespace;
    names.source_node = state.node_name;
    names.ends.source = record::EndKind::pod_here;
  }
  return names;
}

}  // namespace

flowstore::Flow as_flow(const denied::Drop& drop) {
  flowstore::Flow flow;
  flow.original = denied::pinned_values(drop.key);
  if (!is_whole(drop.key.source)) flow.original.source = {};
  if (!is_whole(drop.key.destination)) flow.original.destination = {};
  const flowstore::Tuple& there = flow.original;
  flow.reply = {there.destination, there.source, there.destination_port, there.source_port, there.protocol};
  flow.start_wall_ms = drop.first_wall_ms;
  flow.last_wall_ms = drop.last_wall_ms;
  return flow;
}

record::Names names_of(const State& state, const denied::Drop& drop) {
  record::Names names = state.names.get(drop.names);
  if (!names.source_pod.empty() && !names.destination_pod.empty()) return names;
  record::Names known = known_now(state, drop);
  if (names.source_pod.empty()) {
    names.source_pod = std::move(known.source_pod);
    names.source_namespace = std::move(known.source_namespace);
    names.source_node = std::move(known.source_node);
  }
  if (names.destination_pod.empty()) {
    names.destination_pod = std::move(known.destination_pod);
    names.destination_namespace = std::move(known.destination_namespace);
    names.destination_node = std::move(known.destination_node);
  }
  if (names.service_port_name.empty()) {
    names.service_port_name = std::move(known.service_port_name);
    names.service_address = known.service_address;
  }
  names.ends.add(known.ends);
  return names;
}

void pin_names(State& state, denied::Drop& drop) {
  const flowstore::NameHandle handle = state.names.acquire(names_of(state, drop));
  state.names.release(drop.names);
  drop.names = handle;
}

}  // namespace ofe
