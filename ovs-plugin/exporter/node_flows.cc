#include "ovs-plugin/exporter/node_flows.h"

#include <algorithm>

#include "flowstore/address.h"

namespace ofe {
namespace {

// Addresses that mean another host on every host: no Node is known by them, whatever its object says.
bool stays_on_link(const flowstore::Address& address) {
  if (flowstore::is_ipv4(address)) {
    const auto octets = flowstore::ipv4_octets(address);
    return octets[0] == 127 || (octets[0] == 169 && octets[1] == 254);  // RFC 1122 section 3.2.1.3, RFC 3927
  }
  constexpr flowstore::Address loopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return address == loopback || (address[0] == 0xfe && (address[1] & 0xc0) == 0x80);  // RFC 4291 section 2.4
}

}  // namespace

bool whole_host_zone(const config::Config& settings) {
  return std::ranges::find(settings.zones, host_zone) != settings.zones.end();
}

bool reads_node_flows(const config::Config& settings) {
  return settings.node_flows && !whole_host_zone(settings);
}

std::vector<std::uint16_t> watched_zones(const config::Config& settings) {
  std::vector<std::uint16_t> zones = settings.zones;
  if (reads_node_flows(settings)) zones.push_back(host_zone);
  return zones;
}

bool NodeFlows::is_node(const flowstore::Address& address) const {
  return directory_.node(address) != nullptr && !stays_on_link(address);
}

bool NodeFlows::lives(const flowstore::Observation& seen) const {
  const flowstore::Flow* flow = store_.find(seen.original, seen.reply);
  return flow != nullptr && !flow->ended && flow->zone == host_zone;
}

bool NodeFlows::admits(const flowstore::Observation& seen) {
  if (seen.zone != host_zone || whole_host_zone(settings_)) return true;
  // Switched off while a scan of the zone is under way, the rest of it is left out, too.
  const bool between_nodes = is_node(seen.original.source) && is_node(seen.reply.source);
  const bool admitted = settings_.node_flows && (between_nodes || lives(seen));
  ++(admitted ? stats_.taken : stats_.left_out);
  return admitted;
}

std::string NodeFlows::problem(const std::string& own_node) const {
  if (!reads_node_flows(settings_)) return "";
  if (directory_.stats().nodes == 0) return "no Node is known (they come from the k8s-bridge): zone 0 gives no flow";
  if (directory_.node_named(own_node) == nullptr) {
    return "this Node, " + own_node + ", is not among the Nodes known: Node-to-Node flows are not exported here";
  }
  return "";
}

}  // namespace ofe
