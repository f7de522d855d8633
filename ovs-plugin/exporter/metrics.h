// The numbers of exporter/status as Prometheus metrics: nothing is listed twice, what status gains the metrics gain.
#pragma once

#include <prometheus/metric_family.h>

#include <vector>

#include "ovs-plugin/exporter/commands.h"

namespace ofe {

// Every number and every flag in the tree, named by its path in Prometheus's manner: store.refusedFull becomes
// ovs_flow_exporter_store_refused_full_total, conntrack.lastPollMs ovs_flow_exporter_conntrack_last_poll_seconds,
// …octetsSent …_sent_bytes_total. Flags are gauges of 0 and 1. Of the section "process" come the standard names
// process_cpu_seconds_total and process_resident_memory_bytes.
//
// A number is a counter unless it is a time (…Ms) or a limit, or stands in the list of gauges in metrics.cc: one that
// can go down belongs there. Texts and lists are left out.
std::vector<prometheus::MetricFamily> metrics_of(const Json& status);

}  // namespace ofe
