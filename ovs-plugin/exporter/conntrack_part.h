// Follows connection tracking: events as they come where the kernel tracks, and every interval one scan of each watched
// zone, after which the store judges what is gone.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "ovs-plugin/exporter/event_stream.h"
#include "ovs-plugin/exporter/host_zone_scan.h"
#include "ovs-plugin/exporter/kernel_scan.h"
#include "ovs-plugin/exporter/ovsdb_part.h"
#include "ovs-plugin/exporter/part.h"
#include "ovs-plugin/exporter/resync.h"
#include "ovs-plugin/exporter/userspace_scan.h"
#include "ovs-plugin/exporter/zone_scan.h"

namespace ofe {

struct ConntrackPartStats {
  std::uint64_t polls = 0;  // completed, every zone scanned
  std::uint64_t scans_failed = 0;
  std::uint64_t polls_skipped = 0;  // intervals that went by while a poll was still under way
  std::int64_t last_poll_ms = 0;    // how long the last completed poll took
  std::int64_t last_poll_wall_ms = 0;
  std::string last_error;  // "" after a good poll
};

class ConntrackPart : public Part {
 public:
  ConntrackPart(State& state, const OvsdbPart& ovsdb) : state_(state), ovsdb_(ovsdb) {}
  void run(flowstore::Now now) override;
  void wait(flowstore::Now now) override;

  // Zones that flows of the process before were in: those no longer wanted are forgotten as if we had watched them.
  void resume(const std::vector<std::uint16_t>& zones) { zones_ = zones; }

  // Before the process ends.
  void take_last_events(flowstore::Now now);

  const char* source() const;  // "kernel", "userspace" or "none"
  const ConntrackPartStats& stats() const { return stats_; }
  const KernelScan* kernel() const { return kernel_.get(); }
  const UserspaceScan* userspace() const { return userspace_.get(); }
  const EventStream* events() const { return events_.get(); }
  const ResyncStats& resync() const { return resync_.stats(); }
  const conntrack::AccountingSysctls& accounting() const { return accounting_; }
  const std::vector<std::uint16_t>& zones() const { return zones_; }  // watched now
  QuestionBudget& vswitchd_budget() { return vswitchd_budget_; }      // for whoever else asks ovs-vswitchd

 private:
  void follow_bridge(flowstore::Now now);
  void give_up_scan(flowstore::Now now);
  void use_kernel();
  void follow_settings(flowstore::Now now);
  void follow_zones(flowstore::Now now);
  void listen();
  bool follow_events(flowstore::Now now);
  void add_host();
  void begin_poll(flowstore::Now now);
  void begin_scan(flowstore::Now now);
  void step_scan(flowstore::Now now);
  void end_scan(ZoneScan::Progress how, flowstore::Now now);
  void end_poll(flowstore::Now now);
  void note_failure(const std::string& what);
  std::span<const std::uint16_t> scanned() const { return std::span(zones_).subspan(first_, count_); }

  // settling: a scan is read to its end; the events that came meanwhile are taken before it judges.
  enum class Phase : std::uint8_t { idle, preparing, scanning, settling };
  State& state_;
  const OvsdbPart& ovsdb_;
  std::unique_ptr<KernelScan> kernel_;
  QuestionBudget vswitchd_budget_;  // of ovs-vswitchd, whose bridges come and go
  std::unique_ptr<UserspaceScan> userspace_;
  std::unique_ptr<EventStream> events_;
  std::unique_ptr<UserspaceAndHostScan> with_host_;  // of both, where both are read
  ZoneScan* scan_ = nullptr;
  conntrack::AccountingSysctls accounting_;
  std::vector<std::uint16_t> zones_;
  std::size_t first_ = 0, count_ = 0;  // of zones_, what the present scan reads
  Phase phase_ = Phase::idle;
  bool poll_failed_ = false;
  bool work_left_ = false;
  unsigned generation_ = 0;
  std::int64_t poll_began_ms_ = 0;
  std::int64_t next_poll_ms_ = 0;
  Resync resync_;
  std::set<std::string> failures_said_;  // since the last good poll
  ConntrackPartStats stats_;
};

}  // namespace ofe
