// Through which ports of the bridge a flow comes in and leaves.
#pragma once

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

}  // namespace ofe::record
