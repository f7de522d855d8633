// Due flows become records and go to the collector.
#pragma once

#include <array>
#include <cstdint>

#include "ovs-plugin/exporter/collectors.h"
#include "ovs-plugin/exporter/denied_export.h"
#include "ovs-plugin/exporter/export_pace.h"
#include "ovs-plugin/exporter/part.h"
#include "ovs-plugin/exporter/resumed_records.h"
#include "ovs-plugin/exporter/state.h"
#include "ovs-plugin/exporter/tls_collector.h"
#include "ovs-plugin/record/field_table.h"

namespace ofe {

struct ExportPartStats {
  std::uint64_t records = 0;
  std::uint64_t exported_elsewhere = 0;  // ends of flows whose exporter is another Node's
  std::uint64_t filtered_protocol = 0;   // ends of flows that protocolFilter leaves out
  std::uint64_t without_collector = 0;   // records nobody was there to take
  std::uint64_t not_encodable = 0;       // longer than a record may be
};

class ExportPart : public Part {
 public:
  explicit ExportPart(State& state)
      : state_(state), denied_(state), resumed_(state.layout.templates()), collectors_(state) {}
  void run(flowstore::Now now) override;
  void wait(flowstore::Now now) override;

  // SIGTERM: everything in the store becomes due; finished() once all of it was handed to the kernel.
  void begin_shutdown(flowstore::Now now);
  bool finished() const;
  // Whether records of the flow are for this Node's exporter to export.
  bool is_wanted(const flowstore::Flow& flow) const;

  // What a process leaves to the next, oldest first: records accepted for a collector and not sent. Resumed ones are
  // sent before any other.
  void for_each_unsent(const Collectors::Visit& visit);
  ResumedRecords& resumed() { return resumed_; }
  const DeniedExport& denied() const { return denied_; }

  const Collectors& collectors() const { return collectors_; }
  std::uint32_t observation_domain() const { return observation_domain_; }
  const ExportPartStats& stats() const { return stats_; }

 private:
  void follow_settings(flowstore::Now now);
  void account_for_evicted(flowstore::Now now);
  void export_due(flowstore::Now now);
  bool export_one(flowstore::Export& due, flowstore::Now now);

  State& state_;
  DeniedExport denied_;
  ResumedRecords resumed_;
  Collectors collectors_;
  std::uint64_t evicted_ended_ = 0;  // as the store counted them last
  std::uint32_t observation_domain_ = 0;
  unsigned generation_ = 0;
  bool more_due_ = false;
  ExportPace pace_;
  bool held_back_ = false;  // by the pace
  bool shutting_down_ = false;
  std::array<std::uint8_t, record::max_record_octets> buffer_{};
  ExportPartStats stats_;
};

}  // namespace ofe
