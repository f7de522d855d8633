// One collector: the exporting process that serves it, and where its address comes from.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "ipfix/exporting_process.h"
#include "ovs-plugin/exporter/host_lookup.h"
#include "ovs-plugin/exporter/state.h"
#include "ovs-plugin/exporter/tls_collector.h"

namespace ofe {

const char* to_string(ipfix::SessionState state);
ipfix::Now to_ipfix(flowstore::Now now);

class CollectorExport {
 public:
  struct Wanted {
    config::Collector collector;
    std::uint32_t observation_domain = 0;
    std::string spool_folder;  // "": none
    std::uint64_t spool_octets = 0;
  };
  CollectorExport(const State& state, Wanted wanted, flowstore::Now now);

  // Every setting it was made with: made anew when that changes.
  static std::string made_for(const config::Config& settings, const Wanted& wanted);
  const std::string& made_for() const { return made_for_; }

  void run(flowstore::Now now);
  void wait() const;

  const std::string& name() const { return name_; }  // the collector as configured
  bool has_spool() const { return !wanted_.spool_folder.empty(); }
  const std::string& spool_folder() const { return wanted_.spool_folder; }
  std::uint64_t spool_limit_octets() const { return wanted_.spool_octets; }
  // What its templates were made from.
  const record::Layout& layout() const { return layout_; }
  ipfix::ExportingProcess& process() { return process_; }
  const ipfix::ExportingProcess& process() const { return process_; }

 private:
  std::optional<ipfix::SocketAddress> address(std::string& error);
  std::optional<ipfix::SocketAddress> service_address(std::string& error) const;
  void report();

  const State& state_;
  const Wanted wanted_;
  const std::string name_, made_for_;
  const record::Layout layout_;
  HostLookup lookup_;
  ipfix::ExportingProcess process_;
  ipfix::SessionState reported_state_ = ipfix::SessionState::idle;
  std::string reported_error_, reported_spool_error_;
  TlsReport tls_report_;
};

}  // namespace ofe
