// The list after "actions:" (lib/odp-util.c: format_odp_actions).
#pragma once

#include "ovs-plugin/conntrack/dpctl_text.h"
#include "ovs-plugin/datapath/megaflow.h"

namespace ofe::datapath {

// Reads up to where the list ends: the end of the line, the ')' that closes a nested list, or ", " before the next
// attribute of the flow. Fills drop, recircs, ct and outputs.
void read_actions(DpctlText& in, Megaflow& out);

}  // namespace ofe::datapath
