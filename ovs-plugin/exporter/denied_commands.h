// flow/list denied, and what exporter/status says of dropped traffic.
#pragma once

#include <memory>

#include "ovs-plugin/exporter/commands.h"
#include "ovs-plugin/exporter/flow_filter.h"
#include "ovs-plugin/exporter/state.h"

namespace ofe {

class KernelFlowsPart;

std::unique_ptr<Listing> denied_list(const State& state, const FlowFilter& filter);
Json denied_json(Exporter& exporter);
Json kernel_flows_json(const KernelFlowsPart& part);  // null where they are not read

}  // namespace ofe
