#include "ovs-plugin/record/local_ports.h"

#include <algorithm>
#include <string_view>

namespace ofe::record {
namespace {

// "10.10.0.1,fd00:10::1"; OVN-Kubernetes writes prefixes ("10.244.0.5/24") and JSON-like lists without harm: what is no
// address is passed over.
std::vector<flowstore::Address> addresses_in(std::string_view text) {
  std::vector<flowstore::Address> addresses;
  constexpr std::string_view separators = ", \"[]";
  for (std::size_t at = 0; (at = text.find_first_not_of(separators, at)) != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(separators, at), text.size());
    const std::string_view part = text.substr(at, end - at);
    if (const auto address = flowstore::parse_address(part.substr(0, part.find('/')))) addresses.push_back(*address);
    at = end;
  }
  return addresses;
}

}  // namespace

bool local_port_from_external_ids(const std::string& interface, const std::vector<ExternalId>& ids, LocalPort& out) {
  out = {};
  out.interface = interface;
  std::string_view iface_id;
  for (const ExternalId& id : ids) {
    std::string_view key = id.key;
    if (key.starts_with("k8s-")) key.remove_prefix(4);
    if (key == "pod-name") {
      out.pod_name = id.value;
    } else if (key == "pod-namespace") {
      out.pod_namespace = id.value;
    } else if (key == "ip-address" || key == "ip_addresses") {
      out.addresses = addresses_in(id.value);
    } else if (key == "attached-mac" || key == "attached_mac") {
      out.attached_mac = id.value;
    } else if (key == "container-id") {
      out.container_id = id.value;
    } else if (key == "iface-id") {
      iface_id = id.value;
    }
  }
  if (out.pod_name.empty() && !iface_id.empty()) {
    // OVN-Kubernetes: "<namespace>_<pod>"; neither part may hold an underscore (RFC 1123 labels).
    const std::size_t underscore = iface_id.find('_');
    if (underscore != std::string_view::npos && underscore + 1 < iface_id.size()) {
      out.pod_namespace = iface_id.substr(0, underscore);
      out.pod_name = iface_id.substr(underscore + 1);
    }
  }
  return !out.pod_name.empty();
}

void LocalPorts::replace(std::vector<LocalPort> ports) {
  ports_ = std::move(ports);
  by_address_.clear();
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    for (const flowstore::Address& address : ports_[i].addresses) by_address_.try_emplace(address, i);
  }
}

const LocalPort* LocalPorts::find(const flowstore::Address& address) const {
  const auto found = by_address_.find(address);
  return found == by_address_.end() ? nullptr : &ports_[found->second];
}

}  // namespace ofe::record
