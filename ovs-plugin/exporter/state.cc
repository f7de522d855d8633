#include "ovs-plugin/exporter/state.h"

#include <utility>

namespace ofe {
namespace {

record::NamingOptions naming_options(const config::Config& settings, const std::string& node_name) {
  return {node_name, settings.remote_names, settings.antrea_proxy, settings.pod_cidrs};
}

record::Layout layout_of(const config::Config& settings) {
  return record::Layout(settings.profile == 56506 ? record::Profile::antrea_56506 : record::Profile::antrea_55829,
                        settings.extra_elements);
}

// What was pinned stays; groups that were empty take what is known now.
bool fill_empty(record::Names& pinned, record::Names&& known) {
  bool changed = false;
  const auto take = [&changed](std::string& to, std::string& from) {
    if (to.empty() && !from.empty()) {
      to = std::move(from);
      changed = true;
    }
  };
  if (pinned.source_pod.empty()) {
    take(pinned.source_pod, known.source_pod);
    take(pinned.source_namespace, known.source_namespace);
    take(pinned.source_node, known.source_node);
  }
  if (pinned.destination_pod.empty()) {
    take(pinned.destination_pod, known.destination_pod);
    take(pinned.destination_namespace, known.destination_namespace);
    take(pinned.destination_node, known.destination_node);
  }
  if (pinned.service_port_name.empty()) pinned.service_address = known.service_address;
  take(pinned.service_port_name, known.service_port_name);
  const record::Ends before = pinned.ends;
  pinned.ends.add(known.ends);
  changed |= pinned.ends != before;
  return changed;
}

// Only a connection that was translated can be one to a Service.
bool may_get_a_service(const flowstore::Flow& flow, const record::Names& names) {
  return names.service_port_name.empty() &&
         (flow.original.destination != flow.reply.source || flow.original.destination_port != flow.reply.source_port);
}

}  // namespace

flowstore::ExportTiming export_timing(const config::Config& settings) {
  flowstore::ExportTiming timing;
  timing.active_ms =
      settings.active_timeout_ms.value_or(settings.poll_interval_ms * std::int64_t{settings.export_frequency});
  timing.idle_ms = settings.idle_timeout_ms.value_or(0);
  return timing;
}

State::State(config::Config initial, std::string node, flowstore::Now now)
    : settings(std::move(initial)),
      node_name(std::move(node)),
      started(now),
      counters(2 * std::size_t{settings.max_flows}),
      naming(naming_options(settings, node_name)),
      layout(layout_of(settings)),
      store({settings.max_flows}, export_timing(settings), now) {
  counters.set_pod_ports({[this](const flowstore::Address& address) -> std::string_view {
                            const record::LocalPort* port = ports.find(address);
                            return port == nullptr ? std::string_view{} : port->interface;
                          },
                          [this](const correlate::PodPorts::Visit& visit) {
                            for (const record::LocalPort& port : ports.all()) {
                              for (const flowstore::Address& address : port.addresses) {
                                visit(port.interface, flowstore::is_ipv4(address) ? 4 : 6);
                              }
                            }
                          }});
  store.on_removed([this](const flowstore::Flow& gone) {
    names.release(gone.names);
    // A successor on the same tuples goes on counting.
    const flowstore::Flow* successor = store.find(gone.original, gone.reply);
    if (successor == nullptr || successor == &gone) counters.forget(gone.original, gone.reply);
  });
}

void State::apply(const config::Config& changed, flowstore::Now now) {
  config::Config next = changed;
  if (next.zones_from_rules && !zones_of_rules_.empty()) next.zones = zones_of_rules_;
  // All of the host's zone was followed until now: what of it is no Node-to-Node flow is not left behind.
  if (whole_host_zone(settings) && reads_node_flows(next)) store.forget_zone(host_zone, now);
  settings = next;
  naming = naming_options(settings, node_name);
  layout = layout_of(settings);
  store.set_timing(export_timing(settings), now);
  ++settings_generation;
}

void State::name(flowstore::Flow& flow) {
  record::Names pinned = names.get(flow.names);
  if (!pinned.source_pod.empty() && !pinned.destination_pod.empty() && !may_get_a_service(flow, pinned)) return;
  record::NamingStats found;
  if (!fill_empty(pinned, record::resolve(flow, directory, ports, naming, found))) return;
  naming_stats.ports_over_directory += found.ports_over_directory;  // once: it is not looked for again
  const flowstore::NameHandle handle = names.acquire(pinned);
  names.release(flow.names);
  flow.names = handle;
}

void State::watch(std::vector<std::uint16_t> zones_of_rules, flowstore::Now now) {
  zones_of_rules_ = std::move(zones_of_rules);
  config::Config next = settings;
  if (next.zones_from_rules) next.zones = config::Config{}.zones;
  apply(next, now);
}

const record::PortSearch* State::ports_for(const flowstore::Flow& flow) const {
  return flow.zone == host_zone && !whole_host_zone(settings) ? nullptr : &port_search;
}

// Both Nodes of a Node-to-Node flow track it. Whose it is was decided when it entered and is pinned with its names: a
// source whose Node object was deleted since would otherwise pass for one outside the cluster, exported twice.
bool State::exported_here(flowstore::Flow& flow) {
  if (flow.zone != host_zone || whole_host_zone(settings)) {
    return record::exported_here(flow, directory, ports, naming);
  }
  name(flow);
  return names.get(flow.names).source_node == node_name;
}

}  // namespace ofe
