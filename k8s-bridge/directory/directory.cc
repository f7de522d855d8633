#include "k8s-bridge/directory/directory.h"

#include "k8s-bridge/directory/decode.h"
#include "k8s-bridge/directory/node_table.h"
#include "k8s-bridge/directory/pod_table.h"
#include "k8s-bridge/directory/service_table.h"

namespace ofe::k8s {

struct Directory::Impl {
  explicit Impl(const DirectoryLimits& given) : limits(given), pods(given) {}

  void put(const metadata::v1::Pod& message, std::int64_t wall_ms) {
    DecodedPod decoded;
    const Validity validity = decode(message, decoded);
    count(validity, validity != Validity::unusable && pods.put(std::move(decoded), generation, in_snapshot, wall_ms));
  }
  void put(const metadata::v1::Service& message) {
    Service service;
    const Validity validity = decode(message, service);
    count(validity, validity != Validity::unusable && services.put(std::move(service), generation, limits.max_objects));
  }
  void put(const metadata::v1::Node& message) {
    Node node;
    const Validity validity = decode(message, node);
    count(validity, validity != Validity::unusable && nodes.put(std::move(node), generation, limits.max_objects));
  }
  void count(Validity validity, bool stored) {
    if (validity != Validity::whole) ++stats.invalid;
    if (stored) {
      ++stats.updates;
    } else if (validity != Validity::unusable) {
      ++stats.refused;
    }
  }

  bool remove(const metadata::v1::Removal& removal, std::int64_t wall_ms) {
    const ObjectNameView name{removal.namespace_(), removal.name()};
    switch (removal.kind()) {
      case metadata::v1::Removal::POD:
        return pods.remove(removal.uid(), name, wall_ms);
      case metadata::v1::Removal::SERVICE:
        return services.remove(name);
      case metadata::v1::Removal::NODE:
        return nodes.remove(removal.name());
      default:
        return false;  // a kind of a newer bridge
    }
  }

  void refresh_stats() {
    stats.pods = pods.size();
    stats.services = services.size();
    stats.nodes = nodes.size();
    stats.removed_pods_kept = pods.former();
    stats.removed_pods_dropped = pods.former_dropped();
    stats.contested_service_ports = services.contested();
  }

  const DirectoryLimits limits;
  PodTable pods;
  ServiceTable services;
  NodeTable nodes;
  // Each snapshot is a generation; what still has an older one at its end was not in it.
  std::uint64_t generation = 0;
  bool in_snapshot = false;
  bool has_snapshot = false;
  DirectoryStats stats;
};

Directory::Directory(DirectoryLimits limits) : impl_(std::make_unique<Impl>(limits)) {}
Directory::~Directory() = default;

void Directory::begin_snapshot() {
  ++impl_->generation;
  impl_->in_snapshot = true;
}

void Directory::apply(const metadata::v1::Update& update, std::int64_t wall_ms) {
  for (const metadata::v1::Removal& removal : update.removals()) {
    if (impl_->remove(removal, wall_ms)) ++impl_->stats.removals;
  }
  for (const metadata::v1::Pod& pod : update.pods()) impl_->put(pod, wall_ms);
  for (const metadata::v1::Service& service : update.services()) impl_->put(service);
  for (const metadata::v1::Node& node : update.nodes()) impl_->put(node);
  impl_->refresh_stats();
}

void Directory::end_snapshot(std::int64_t wall_ms) {
  if (!impl_->in_snapshot) return;
  impl_->in_snapshot = false;
  impl_->has_snapshot = true;
  ++impl_->stats.snapshots;
  impl_->stats.removals += impl_->pods.remove_others(impl_->generation, wall_ms) +
                           impl_->services.remove_others(impl_->generation) +
                           impl_->nodes.remove_others(impl_->generation);
  impl_->refresh_stats();
}

void Directory::abandon_snapshot() {
  impl_->in_snapshot = false;
}

void Directory::expire(std::int64_t wall_ms) {
  impl_->pods.expire(wall_ms);
  impl_->refresh_stats();
}

bool Directory::has_snapshot() const {
  return impl_->has_snapshot;
}

const Pod* Directory::pod(const Address& address, std::int64_t at_wall_ms) const {
  return impl_->pods.find(address, at_wall_ms);
}

Directory::ServiceMatch Directory::service(const Address& address, std::uint16_t port, std::uint8_t protocol) const {
  return impl_->services.find(address, port, protocol);
}

Directory::ServiceMatch Directory::service_by_node_port(std::uint16_t node_port, std::uint8_t protocol) const {
  return impl_->services.find_by_node_port(node_port, protocol);
}

const Service* Directory::service_named(const std::string& service_namespace, const std::string& name) const {
  return impl_->services.named({service_namespace, name});
}

const Node* Directory::node(const Address& address) const {
  return impl_->nodes.find(address);
}

const Node* Directory::node_of_pod_address(const Address& address) const {
  return impl_->nodes.find_by_pod_cidr(address);
}

const Node* Directory::node_named(const std::string& name) const {
  return impl_->nodes.named(name);
}

void Directory::each_pod(const std::function<bool(const Pod&)>& visit) const {
  impl_->pods.each(visit);
}

void Directory::each_service(const std::function<bool(const Service&)>& visit) const {
  impl_->services.each(visit);
}

void Directory::each_node(const std::function<bool(const Node&)>& visit) const {
  impl_->nodes.each(visit);
}

const DirectoryStats& Directory::stats() const {
  return impl_->stats;
}

}  // namespace ofe::k8s
