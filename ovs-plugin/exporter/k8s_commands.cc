// k8s/show: what the directory holds, and what it says of one name or address.
#include <algorithm>

#include "flowstore/address.h"
#include "ovs-plugin/exporter/commands.h"
#include "ovs-plugin/exporter/exporter.h"

namespace ofe {
namespace {

constexpr std::size_t listing_limit = 1'000;
constexpr const char* usage = "k8s/show [pod|service|node [NAME|NAMESPACE/NAME|ADDRESS]] [--json]";

Json addresses_json(const std::vector<k8s::Address>& addresses) {
  Json json = Json::array();
  for (const k8s::Address& address : addresses) json.push_back(flowstore::to_string(address));
  return json;
}

Json pod_json(const k8s::Pod& pod) {
  Json json{{"name", pod.pod_namespace + "/" + pod.name},
            {"uid", pod.uid},
            {"node", pod.node_name},
            {"addresses", addresses_json(pod.addresses)},
            {"hostNetwork", pod.host_network},
            {"start", time_text(pod.start_wall_ms)}};
  if (pod.ended) json["ended"] = true;
  if (pod.removed_wall_ms != 0) json["removed"] = time_text(pod.removed_wall_ms);
  return json;
}

Json service_json(const k8s::Service& service) {
  Json ports = Json::array();
  for (const k8s::ServicePort& port : service.ports) {
    ports.push_back(
        {{"name", port.name}, {"port", port.port}, {"protocol", port.protocol}, {"nodePort", port.node_port}});
  }
  return {{"name", service.service_namespace + "/" + service.name},
          {"type", service.type},
          {"clusterIPs", addresses_json(service.cluster_ips)},
          {"externalIPs", addresses_json(service.external_ips)},
          {"ports", std::move(ports)}};
}

Json node_json(const k8s::Node& node) {
  Json cidrs = Json::array();
  for (const k8s::Cidr& cidr : node.pod_cidrs) {
    cidrs.push_back(flowstore::to_string(flowstore::Prefix{cidr.network, cidr.prefix_length}));
  }
  return {{"name", node.name}, {"addresses", addresses_json(node.addresses)}, {"podCIDRs", std::move(cidrs)}};
}

Json port_json(const record::LocalPort& port) {
  return {{"name", port.pod_namespace + "/" + port.pod_name},
          {"interface", port.interface},
          {"addresses", addresses_json(port.addresses)}};
}

// An empty wish is every object.
bool wanted(const std::string& wish, const std::string& name_space, const std::string& name,
            const std::vector<k8s::Address>& addresses) {
  if (wish.empty() || wish == name || wish == name_space + "/" + name) return true;
  const auto address = flowstore::parse_address(wish);
  return address && std::find(addresses.begin(), addresses.end(), *address) != addresses.end();
}

class Listing {
 public:
  bool add(Json item) {
    if (items_.size() >= listing_limit) {
      ++left_out_;
    } else {
      items_.push_back(std::move(item));
    }
    return true;
  }
  Json take() { return {{"items", std::move(items_)}, {"leftOut", left_out_}}; }

 private:
  Json items_ = Json::array();
  std::size_t left_out_ = 0;
};

Json pods(const State& state, const std::string& wish) {
  Listing listing;
  state.directory.each_pod([&](const k8s::Pod& pod) {
    return !wanted(wish, pod.pod_namespace, pod.name, pod.addresses) || listing.add(pod_json(pod));
  });
  Json json = listing.take();
  Listing ports;
  for (const record::LocalPort& port : state.ports.all()) {
    if (wanted(wish, port.pod_namespace, port.pod_name, port.addresses)) ports.add(port_json(port));
  }
  json["ofLocalPorts"] = ports.take();
  return json;
}

Json services(const State& state, const std::string& wish) {
  Listing listing;
  state.directory.each_service([&](const k8s::Service& service) {
    auto addresses = service.cluster_ips;
    addresses.insert(addresses.end(), service.external_ips.begin(), service.external_ips.end());
    return !wanted(wish, service.service_namespace, service.name, addresses) || listing.add(service_json(service));
  });
  return listing.take();
}

Json nodes(const State& state, const std::string& wish) {
  Listing listing;
  state.directory.each_node([&](const k8s::Node& node) {
    return !wanted(wish, "", node.name, node.addresses) || listing.add(node_json(node));
  });
  return listing.take();
}

Json bridge_json(Exporter& exporter) {
  const k8s::ClientStats& stats = exporter.metadata().stats();
  return {{"connected", stats.connected},
          {"synced", stats.synced && stats.source_synced},
          {"stalenessSeconds", exporter.metadata().staleness_seconds(exporter.now())},
          {"problem", stats.connected ? stats.source_detail : stats.last_error}};
}

}  // namespace

Answer k8s_show(Exporter& exporter, const Arguments& arguments) {
  Arguments words = arguments;
  const bool json = std::erase(words, "--json") != 0;
  const std::string kind = words.empty() ? "" : words[0];
  const std::string wish = words.size() < 2 ? "" : words[1];
  const State& state = exporter.state();
  Json show;
  if (words.size() > 2 || (!kind.empty() && kind != "pod" && kind != "service" && kind != "node")) {
    return {false, std::string("usage: ") + usage};
  }
  show["bridge"] = bridge_json(exporter);
  if (kind.empty() || kind == "pod") show["pods"] = pods(state, wish);
  if (kind.empty() || kind == "service") show["services"] = services(state, wish);
  if (kind.empty() || kind == "node") show["nodes"] = nodes(state, wish);
  return {true, json ? show.dump() + "\n" : as_text(show)};
}

}  // namespace ofe
