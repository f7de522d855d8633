// One collector's part of exporter/status and ipfix/show.
#pragma once

#include "ovs-plugin/config/config.h"
#include "ovs-plugin/exporter/collector_export.h"
#include "ovs-plugin/exporter/commands.h"

namespace ofe {

Json collector_status(const CollectorExport& collector, const config::Config& settings);

}  // namespace ofe
