// What exporter/status shows of the userspace datapath.
#pragma once

#include "ovs-plugin/exporter/commands.h"
#include "ovs-plugin/exporter/userspace_scan.h"

namespace ofe {

Json userspace_json(const UserspaceScan& scan, const State& state, flowstore::Now now);

}  // namespace ofe
