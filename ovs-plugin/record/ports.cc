#include "ovs-plugin/record/ports.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace ofe::record {
namespace {

// Interface types that carry traffic between Nodes (ovs-vswitchd.conf.db(5), Interface type), each with what its port
// in the datapath is called (lib/netdev-vport.c of Open vSwitch: the UDP port is appended).
struct TunnelType {
  std::string_view type, datapath_name;
};
constexpr std::array tunnel_types = {
    TunnelType{"vxlan", "vxlan_sys"}, TunnelType{"geneve", "genev_sys"},        TunnelType{"gre", "gre_sys"},
    TunnelType{"stt", "stt_sys"},     TunnelType{"ip6gre", "ip6gre_sys"},       TunnelType{"lisp", "lisp_sys"},
    TunnelType{"gtpu", "gtpu_sys"},   TunnelType{"bareudp", "bareudp_sys"},     TunnelType{"erspan", "erspan_sys"},
    TunnelType{"srv6", "srv6_sys"},   TunnelType{"ip6erspan", "ip6erspan_sys"},
};

PortKind kind_of(const Port& port, const std::vector<ExternalId>& ids, bool physical) {
  const auto marked = std::ranges::find(ids, "antrea-type", &ExternalId::key);
  const std::string_view mark = marked == ids.end() ? "" : std::string_view(marked->value);
  if (mark == "gateway") return PortKind::gateway;
  if (mark == "tunnel") return PortKind::tunnel;
  if (mark == "uplink") return PortKind::uplink;
  if (std::ranges::find(tunnel_types, port.type, &TunnelType::type) != tunnel_types.end()) return PortKind::tunnel;
  if (!port.pod.pod_name.empty()) return PortKind::pod;
  if (port.type == "internal" && (port.interface == "antrea-gw0" || port.interface.starts_with("ovn-k8s-mp"))) {
    return PortKind::gateway;
  }
  return physical || port.type == "dpdk" ? PortKind::uplink : PortKind::other;
}

template <typename Map, typename Key>
const Port* find_in(const Map& map, const Key& key, const std::vector<Port>& ports) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &ports[found->second];
}

}  // namespace

const char* to_string(PortKind kind) {
  switch (kind) {
    case PortKind::pod:
      return "pod";
    case PortKind::gateway:
      return "gateway";
    case PortKind::tunnel:
      return "tunnel";
    case PortKind::uplink:
      return "uplink";
    case PortKind::other:
      break;
  }
  return "other";
}

Port port_from_interface(std::string bridge, std::string interface, std::string type,
                         const std::vector<ExternalId>& external_ids, bool physical) {
  Port port;
  port.bridge = std::move(bridge);
  port.interface = std::move(interface);
  port.type = std::move(type);
  if (!local_port_from_external_ids(port.interface, external_ids, port.pod)) port.pod = {};
  port.kind = kind_of(port, external_ids, physical);
  if (port.kind != PortKind::pod) port.pod = {};
  return port;
}

void Ports::replace(std::vector<Port> ports) {
  for (Port& port : ports) {
    const Port* known = by_interface(port.interface);
    if (known != nullptr && known->bridge == port.bridge && known->ofport == port.ofport &&
        known->ifindex == port.ifindex) {
      port.datapath_port = known->datapath_port;
    }
  }
  ports_ = std::move(ports);
  by_interface_.clear();
  by_ofport_.clear();
  by_address_.clear();
  by_pod_.clear();
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    const Port& port = ports_[i];
    by_interface_.try_emplace(port.interface, i);
    if (port.ofport >= 0) by_ofport_.try_emplace(std::pair(port.bridge, port.ofport), i);
    if (port.kind != PortKind::pod) continue;
    for (const flowstore::Address& address : port.pod.addresses) by_address_.try_emplace(address, i);
    by_pod_.try_emplace(std::pair(port.pod.pod_namespace, port.pod.pod_name), i);
  }
  index_datapath_ports();
}

void Ports::set_datapath_ports(const std::vector<DatapathPort>& numbers) {
  for (Port& port : ports_) port.datapath_port.reset();
  for (const DatapathPort& told : numbers) {
    const auto found = by_interface_.find(told.interface);
    if (found != by_interface_.end() && ports_[found->second].bridge == told.bridge) {
      ports_[found->second].datapath_port = told.number;
    }
  }
  index_datapath_ports();
}

void Ports::index_datapath_ports() {
  by_datapath_port_.clear();
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    if (ports_[i].datapath_port) by_datapath_port_.try_emplace(*ports_[i].datapath_port, i);
  }
}

const Port* Ports::by_interface(std::string_view interface) const {
  return find_in(by_interface_, std::string(interface), ports_);
}

const Port* Ports::by_ofport(std::string_view bridge, std::int64_t ofport) const {
  return find_in(by_ofport_, std::pair(std::string(bridge), ofport), ports_);
}

const Port* Ports::by_datapath_port(std::uint32_t number) const {
  return find_in(by_datapath_port_, number, ports_);
}

const Port* Ports::by_datapath_name(std::string_view name) const {
  if (const Port* port = by_interface(name)) return port;
  for (const TunnelType& tunnel : tunnel_types) {
    if (!name.starts_with(tunnel.datapath_name)) continue;
    const auto found = std::ranges::find(ports_, tunnel.type, &Port::type);
    if (found != ports_.end()) return &*found;
  }
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  const bool whole = error == std::errc() && end == name.data() + name.size();
  return whole ? by_datapath_port(number) : nullptr;
}

const Port* Ports::by_pod_address(const flowstore::Address& address) const {
  return find_in(by_address_, address, ports_);
}

const Port* Ports::by_pod(std::string_view name_space, std::string_view name) const {
  return find_in(by_pod_, std::pair(std::string(name_space), std::string(name)), ports_);
}

const Port* Ports::first(PortKind kind, std::string_view bridge) const {
  const auto found =
      std::ranges::find_if(ports_, [&](const Port& port) { return port.kind == kind && port.bridge == bridge; });
  return found == ports_.end() ? nullptr : &*found;
}

}  // namespace ofe::record
