// Through which ports of the bridge a flow comes in and leaves.
#pragma once

#include <string>
#include <string_view>

#include "flowstore/flow.h"
#include "k8s-bridge/directory/directory.h"
#include "ovs-plugin/record/names.h"
#include "ovs-plugin/record/ports.h"

namespace ofe::record {

struct FlowPorts {
  const Port* ingress = nullptr;  // of the original direction's first packet
  const Port* egress = nullptr;   // towards the endpoint, after DNAT
};

// Worked out from the addresses, as connection tracking keeps no ports: a local Pod's port; towards another Node's Pods
// the tunnel (the uplink, where there is none); everything else comes and goes by the gateway, or the uplink of a
// bridge without one. nullptr: the bridge has no such port (yet).
FlowPorts ports_of(const flowstore::Flow& flow, std::string_view bridge, const Ports& ports,
                   const k8s::Directory& directory, const NamingOptions& options);

// The same with what it needs at hand, for records; what it refers to outlives it.
struct PortSearch {
  const std::string& bridge;
  const Ports& ports;
  const k8s::Directory& directory;
  const NamingOptions& options;

  FlowPorts of(const flowstore::Flow& flow) const { return ports_of(flow, bridge, ports, directory, options); }
};

}  // namespace ofe::record
