// Puts the parts together and runs them around OVS's poll loop.
#pragma once

#include <memory>
#include <string>

#include "ovs-plugin/exporter/config_part.h"
#include "ovs-plugin/exporter/conntrack_part.h"
#include "ovs-plugin/exporter/denied_part.h"
#include "ovs-plugin/exporter/export_part.h"
#include "ovs-plugin/exporter/kernel_flows_part.h"
#include "ovs-plugin/exporter/listing_part.h"
#include "ovs-plugin/exporter/loop_times.h"
#include "ovs-plugin/exporter/metadata_part.h"
#include "ovs-plugin/exporter/metrics_part.h"
#include "ovs-plugin/exporter/netflow_part.h"
#include "ovs-plugin/exporter/ovsdb_part.h"
#include "ovs-plugin/exporter/ports_part.h"
#include "ovs-plugin/exporter/state.h"
#include "ovs-plugin/exporter/state_file_part.h"
#include "ovs-plugin/exporter/zones_part.h"

namespace ofe {

struct ExporterOptions {
  std::string config_file;
  std::string node_name;
  std::string database;  // OVSDB remote
};

class Exporter {
 public:
  Exporter(const ExporterOptions& options, config::Config settings);

  // Until SIGTERM or SIGINT; then what is in the store is exported, within the grace of the settings.
  void run(ofe_ovs_server* server);

  flowstore::Now now() const { return now_; }  // of the current loop turn
  State& state() { return state_; }
  OvsdbPart& ovsdb() { return ovsdb_; }
  ConfigPart& config() { return config_; }
  MetadataPart& metadata() { return metadata_; }
  NetflowPart& netflow() { return netflow_; }
  ConntrackPart& conntrack() { return conntrack_; }
  KernelFlowsPart& kernel_flows() { return kernel_flows_; }
  DeniedPart& denied() { return denied_; }
  ExportPart& exporting() { return export_; }
  ListingPart& listings() { return listings_; }
  const LoopTimes& loop_times() const { return loop_times_; }
  MetricsPart& metrics() { return metrics_; }
  StateFilePart& state_file() { return state_file_; }
  ZonesPart& zones() { return zones_; }
  PortsPart& ports() { return ports_; }

 private:
  void resume();
  void turn(ofe_ovs_server* server);
  void shut_down();

  flowstore::Now now_;
  LoopTimes loop_times_;
  State state_;
  ConfigPart config_;
  OvsdbPart ovsdb_;
  MetadataPart metadata_;
  NetflowPart netflow_;
  ConntrackPart conntrack_;
  KernelFlowsPart kernel_flows_;
  DeniedPart denied_;
  ExportPart export_;
  ListingPart listings_;
  MetricsPart metrics_;
  StateFilePart state_file_;
  ZonesPart zones_;
  PortsPart ports_;
  // In the order of the data flow.
  Part* const parts_[13] = {&config_,       &ovsdb_,  &ports_,  &zones_,    &metadata_, &netflow_,   &conntrack_,
                            &kernel_flows_, &denied_, &export_, &listings_, &metrics_,  &state_file_};
};

}  // namespace ofe
