// What the ends of dropped traffic are called.
#pragma once

#include "ovs-plugin/denied/table.h"
#include "ovs-plugin/exporter/state.h"

namespace ofe {

// The values that a drop pins, in the form of a flow; an address that is not wholly pinned is all zero.
flowstore::Flow as_flow(const denied::Drop& drop);
// The names pinned to it, and what is known now of those it has none of: the source is the Pod of the port the traffic
// came in by (whatever address it claims to have), where that is a Pod's; else by address, as the destination.
record::Names names_of(const State& state, const denied::Drop& drop);
// Pins them.
void pin_names(State& state, denied::Drop& drop);

}  // namespace ofe
