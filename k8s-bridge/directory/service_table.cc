#include "k8s-bridge/directory/service_table.h"

namespace ofe::k8s {

namespace {

template <typename Visit>
void each_address(const Service& service, Visit visit) {
  for (const Address& address : service.cluster_ips) visit(address);
  for (const Address& address : service.external_ips) visit(address);
}

}  // namespace

bool ServiceTable::put(Service service, std::uint64_t generation, std::size_t max_services) {
  const ObjectNameView name{service.service_namespace, service.name};
  auto found = services_.find(name);
  if (found == services_.end()) {
    if (services_.size() >= max_services) return false;
    found = services_.emplace(ObjectName(name.first, name.second), Entry{std::make_unique<Service>(), 0}).first;
  } else {
    unindex(*found->second.service);
  }
  *found->second.service = std::move(service);
  found->second.generation = generation;
  index(*found->second.service);
  return true;
}

bool ServiceTable::remove(const ObjectNameView& name) {
  const auto found = services_.find(name);
  if (found == services_.end()) return false;
  unindex(*found->second.service);
  services_.erase(found);
  return true;
}

std::size_t ServiceTable::remove_others(std::uint64_t generation) {
  return absl::erase_if(services_, [&](const auto& item) {
    if (item.second.generation == generation) return false;
    unindex(*item.second.service);
    return true;
  });
}

void ServiceTable::index(const Service& service) {
  for (std::size_t i = 0; i < service.ports.size(); ++i) {
    each_address(service, [&](const Address& address) {
      by_port_.claim({address, service.ports[i].port, service.ports[i].protocol}, {&service, i});
    });
    if (service.ports[i].node_port == 0) continue;
    by_node_port_.claim({service.ports[i].node_port, service.ports[i].protocol}, {&service, i});
  }
}

void ServiceTable::unindex(const Service& service) {
  for (const ServicePort& port : service.ports) {
    each_address(service, [&](const Address& address) {
      by_port_.release({address, port.port, port.protocol}, {&service, 0});
    });
    if (port.node_port != 0) by_node_port_.release({port.node_port, port.protocol}, {&service, 0});
  }
}

Directory::ServiceMatch ServiceTable::find(const Address& address, std::uint16_t port, std::uint8_t protocol) const {
  const Owner* owner = by_port_.find({address, port, protocol});
  if (owner == nullptr) return {};
  return {owner->service, &owner->service->ports[owner->port]};
}

Directory::ServiceMatch ServiceTable::find_by_node_port(std::uint16_t node_port, std::uint8_t protocol) const {
  const Owner* owner = by_node_port_.find({node_port, protocol});
  if (owner == nullptr) return {};
  return {owner->service, &owner->service->ports[owner->port]};
}

const Service* ServiceTable::named(const ObjectNameView& name) const {
  const auto found = services_.find(name);
  return found == services_.end() ? nullptr : found->second.service.get();
}

void ServiceTable::each(const std::function<bool(const Service&)>& visit) const {
  for (const auto& [name, entry] : services_) {
    if (!visit(*entry.service)) return;
  }
}

}  // namespace ofe::k8s
