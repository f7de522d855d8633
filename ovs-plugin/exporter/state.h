// What the parts of the exporter share: the data between the stations of DESIGN's picture, and nothing that does I/O.
#pragma once

#include <string>
#include <vector>

#include "flowstore/store.h"
#include "k8s-bridge/directory/directory.h"
#include "ovs-plugin/config/config.h"
#include "ovs-plugin/correlate/datapath_counters.h"
#include "ovs-plugin/denied/table.h"
#include "ovs-plugin/exporter/node_flows.h"
#include "ovs-plugin/exporter/zone_entries.h"
#include "ovs-plugin/record/layout.h"
#include "ovs-plugin/record/local_ports.h"
#include "ovs-plugin/record/name_pool.h"
#include "ovs-plugin/record/names.h"
#include "ovs-plugin/record/ports.h"

namespace ofe {

struct State {
  State(config::Config initial, std::string node, flowstore::Now now);

  // Takes over settings that can change while running; the parts compare settings_generation and do their share.
  void apply(const config::Config& changed, flowstore::Now now);

  // The zones of the bridge that its rules tell; empty: they are not known (any more). The settings come first.
  void watch(std::vector<std::uint16_t> zones_of_rules, flowstore::Now now);
  bool zones_known() const { return !settings.zones_from_rules || !zones_of_rules_.empty(); }

  // Names are pinned at first sight; what is still unnamed is looked up again (a Pod that became known later).
  void name(flowstore::Flow& flow);

  // What record::Source has of it: nullptr for what never is in the bridge.
  const record::PortSearch* ports_for(const flowstore::Flow& flow) const;

  // Whether this Node exports the flow; names it where the answer needs the names.
  bool exported_here(flowstore::Flow& flow);

  config::Config settings;
  unsigned settings_generation = 1;
  const std::string node_name;
  const flowstore::Now started;

  correlate::DatapathCounters counters;
  denied::Table denied;
  k8s::Directory directory;
  record::LocalPorts ports;
  record::Ports bridge_ports;  // of every bridge, Pods' or not
  record::NamingOptions naming;
  record::Layout layout;  // of records, by the settings
  record::PortSearch port_search{settings.bridge, bridge_ports, directory, naming};
  record::NamePool names;
  record::NamingStats naming_stats;
  flowstore::Store store;
  NodeFlows node_flows{settings, directory, store};
  ZoneEntries zone_entries;

 private:
  std::vector<std::uint16_t> zones_of_rules_;
};

flowstore::ExportTiming export_timing(const config::Config& settings);

}  // namespace ofe
