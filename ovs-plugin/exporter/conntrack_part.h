// Polls connection tracking: every interval one scan of each watched zone, then the store judges what is gone.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ovs-plugin/exporter/ovsdb_part.h"
#include "ovs-plugin/exporter/part.h"
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

  const char* source() const;  // "kernel", "userspace" or "none"
  const ConntrackPartStats& stats() const { return stats_; }
  const KernelScan* kernel() const { return kernel_.get(); }
  const UserspaceScan* userspace() const { return userspace_.get(); }
  const conntrack::AccountingSysctls& accounting() const { return accounting_; }

 private:
  void follow_bridge(flowstore::Now now);
  void follow_zones(flowstore::Now now);
  void use_kernel();
  void begin_poll(flowstore::Now now);
  void begin_zone(flowstore::Now now);
  void end_zone(bool complete, flowstore::Now now);
  void note_failure(const std::string& what);

  enum class Phase : std::uint8_t { idle, preparing, scanning };
  State& state_;
  const OvsdbPart& ovsdb_;
  std::unique_ptr<KernelScan> kernel_;
  std::unique_ptr<UserspaceScan> userspace_;
  ZoneScan* scan_ = nullptr;
  conntrack::AccountingSysctls accounting_;
  std::vector<std::uint16_t> zones_;
  std::size_t zone_ = 0;  // index into zones_
  Phase phase_ = Phase::idle;
  bool poll_failed_ = false;
  bool work_left_ = false;
  unsigned generation_ = 0;
  std::int64_t poll_began_ms_ = 0;
  std::int64_t next_poll_ms_ = 0;
  ConntrackPartStats stats_;
};

}  // namespace ofe
