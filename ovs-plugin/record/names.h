// What a flow's addresses are called, and who exports it.
//
// Names are pinned to a flow when it is first seen with one and never change afterwards (name_pool.h keeps them).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "flowstore/flow.h"
#include "k8s-bridge/directory/directory.h"
#include "ovs-plugin/record/ends.h"
#include "ovs-plugin/record/local_ports.h"

namespace ofe::record {

struct Names {
  std::string source_pod, source_namespace, source_node;
  std::string destination_pod, destination_namespace, destination_node;
  std::string service_port_name;  // "namespace/name:port", no colon when the port has no name; "": no Service
  // Of the Service: the address that was asked for, or, where that was a Node's or stood for one (a node port), its
  // cluster IP of that family, unset when it has none.
  flowstore::Address service_address{};
  Ends ends{};

  bool empty() const { return *this == Names{}; }
  friend bool operator==(const Names&, const Names&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const Names& n) {
    return H::combine(std::move(h), n.source_pod, n.source_namespace, n.source_node, n.destination_pod,
                      n.destination_namespace, n.destination_node, n.service_port_name, n.service_address, n.ends);
  }
};

struct NamingOptions {
  std::string node_name;
  bool remote_names = false;                 // also entities of other Nodes
  bool services = true;                      // featureGates.AntreaProxy
  std::vector<flowstore::Prefix> pod_cidrs;  // of the cluster, for when the directory is empty
};

struct NamingStats {
  std::uint64_t ports_over_directory = 0;  // endpoints that OVSDB and the directory gave to different Pods
};

// Looks up, by address and by the time the flow began. Only entities of this Node unless remote_names. Of who holds an
// address of this Node now OVSDB's port tells, of who held it before the directory. Adds to stats.
Names resolve(const flowstore::Flow& flow, const k8s::Directory& directory, const LocalPorts& ports,
              const NamingOptions& options, NamingStats& stats);

// One copy per inter-Node flow: the Node of the source exports it. False: its exporter is elsewhere. A source outside
// the cluster is exported here, where its destination is.
bool exported_here(const flowstore::Flow& flow, const k8s::Directory& directory, const LocalPorts& ports,
                   const NamingOptions& options);

}  // namespace ofe::record
