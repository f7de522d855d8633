// port/list, a flow's ports, and what exporter/status says of ports.
#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "ovs-plugin/exporter/commands.h"
#include "ovs-plugin/exporter/exporter.h"
#include "ovs-plugin/exporter/text_table.h"
#include "ovs-plugin/record/flow_ports.h"

namespace ofe {
namespace {

constexpr std::size_t listing_limit = 2'000;

Json json_of(const record::Port& port) {
  Json json{{"interface", port.interface},
            {"bridge", port.bridge},
            {"type", port.type},
            {"kind", to_string(port.kind)},
            {"pod", pod_text(port.pod.pod_namespace, port.pod.pod_name)},
            {"ofport", port.ofport}};
  if (port.datapath_port) json["datapathPort"] = *port.datapath_port;
  return json;
}

std::string line_of(const record::Port& port) {
  const std::string number = port.datapath_port ? std::to_string(*port.datapath_port) : "-";
  return fmt::format("{:<15} {:<12} {:<9} {:>6} {:>8}  {:<7}  {}\n", port.interface, port.bridge,
                     port.type.empty() ? "-" : port.type, port.ofport, number, to_string(port.kind),
                     pod_text(port.pod.pod_namespace, port.pod.pod_name));
}

}  // namespace

Answer port_list(Exporter& exporter, const Arguments& arguments) {
  bool json = false;
  Answer wrong;
  if (!take_json_flag(arguments, json, wrong, "port/list [--json]")) return wrong;
  const std::vector<record::Port>& ports = exporter.state().bridge_ports.all();
  const std::size_t listed = std::min(ports.size(), listing_limit);
  Json rows = Json::array();
  std::string text = fmt::format("{:<15} {:<12} {:<9} {:>6} {:>8}  {:<7}  {}\n", "INTERFACE", "BRIDGE", "TYPE",
                                 "OFPORT", "DATAPATH", "KIND", "POD");
  for (std::size_t i = 0; i < listed; ++i) {
    if (json) {
      rows.push_back(json_of(ports[i]));
    } else {
      text += line_of(ports[i]);
    }
  }
  const std::size_t left_out = ports.size() - listed;
  if (json) return {true, Json{{"ports", std::move(rows)}, {"leftOut", left_out}}.dump() + "\n"};
  if (left_out != 0) text += fmt::format("{} more\n", left_out);
  return {true, text};
}

void add_ports(const State& state, const flowstore::Flow& flow, Json& json) {
  if (flow.zone == host_zone && !whole_host_zone(state.settings)) return;  // never in the bridge
  const record::FlowPorts found =
      record::ports_of(flow, state.settings.bridge, state.bridge_ports, state.directory, state.naming);
  if (found.ingress != nullptr) {
    json["ingressInterface"] = found.ingress->interface;
    json["ingressKind"] = to_string(found.ingress->kind);
  }
  if (found.egress != nullptr) {
    json["egressInterface"] = found.egress->interface;
    json["egressKind"] = to_string(found.egress->kind);
  }
}

Json ports_status(Exporter& exporter) {
  const PortsPartStats& stats = exporter.ports().stats();
  const std::vector<record::Port>& ports = exporter.state().bridge_ports.all();
  return {{"known", ports.size()},
          {"inDatapath", std::ranges::count_if(ports, [](const auto& port) { return port.datapath_port.has_value(); })},
          {"answers", stats.answers},
          {"failures", stats.failures},
          {"unreadable", stats.unreadable},
          {"lastAnswer", time_text(stats.last_answer_wall_ms)},
          {"lastError", stats.last_error}};
}

}  // namespace ofe
