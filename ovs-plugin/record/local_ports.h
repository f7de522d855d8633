// Pods of this Node as the bridge's own ports name them: OVSDB external_ids, for when the metadata bridge is absent.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <string>
#include <vector>

#include "flowstore/address.h"

namespace ofe::record {

struct LocalPort {
  std::string interface;
  std::string pod_namespace, pod_name;
  std::string container_id, attached_mac;
  std::vector<flowstore::Address> addresses;
};

struct ExternalId {
  std::string key, value;
};

// Antrea's keys (pod-namespace, pod-name, ip-address, attached-mac, container-id; also with the prefix "k8s-") or, from
// OVN-Kubernetes, iface-id "namespace_name" with ip_addresses. False: the port is no Pod's.
bool local_port_from_external_ids(const std::string& interface, const std::vector<ExternalId>& ids, LocalPort& out);

class LocalPorts {
 public:
  void replace(std::vector<LocalPort> ports);
  const LocalPort* find(const flowstore::Address& address) const;
  std::size_t size() const { return ports_.size(); }
  const std::vector<LocalPort>& all() const { return ports_; }

 private:
  std::vector<LocalPort> ports_;
  absl::flat_hash_map<flowstore::Address, std::size_t> by_address_;
};

}  // namespace ofe::record
