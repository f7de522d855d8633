// One scan of conntrack zones, whichever datapath tracks them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "ovs-plugin/conntrack/dump_text.h"
#include "ovs-plugin/exporter/observation_batch.h"
#include "ovs-plugin/exporter/state.h"
#include "ovs-plugin/exporter/vswitchd_client.h"

namespace ofe {

class ZoneScan {
 public:
  virtual ~ZoneScan() = default;
  // What must be read before the zones of one poll; finished when step() says complete.
  virtual bool prepare(flowstore::Now now) = 0;
  // How many of so many zones are best read by one scan.
  virtual std::size_t zones_at_once(std::size_t zones) const = 0;
  // False: could not begin, error() says why.
  virtual bool start(std::span<const std::uint16_t> zones, flowstore::Now now) = 0;
  enum class Progress : std::uint8_t { more, waiting, complete, failed };
  virtual Progress step(flowstore::Now now) = 0;
  virtual void wait() const = 0;
  virtual void abandon() = 0;
  virtual std::string error() const = 0;
};

// The userspace datapath lives inside ovs-vswitchd and is asked over its control socket: first its flows (for what
// conntrack there does not count), then each zone.
class UserspaceScan : public ZoneScan {
 public:
  explicit UserspaceScan(State& state) : state_(state) {}
  bool prepare(flowstore::Now now) override;
  std::size_t zones_at_once(std::size_t) const override { return 1; }
  bool start(std::span<const std::uint16_t> zones, flowstore::Now now) override;
  Progress step(flowstore::Now now) override;
  void wait() const override { client_.wait(); }
  void abandon() override;
  std::string error() const override { return client_.stats().last_error; }
  const VswitchdStats& vswitchd() const { return client_.stats(); }
  const conntrack::DumpTextStats& conntrack_text() const { return text_stats_; }
  const datapath::EntryStageStats& megaflows() const { return stage_.stats(); }

 private:
  Progress step_conntrack(flowstore::Now now);
  Progress step_megaflows(flowstore::Now now);
  void finish_megaflows(flowstore::Now now);

  enum class Reading : std::uint8_t { nothing, megaflows, conntrack };
  State& state_;
  VswitchdClient client_;
  Reading reading_ = Reading::nothing;
  std::unique_ptr<conntrack::DumpTextReader> text_;
  std::string_view megaflow_text_;
  bool megaflow_text_begun_ = false;
  conntrack::DumpTextStats text_stats_;
  ObservationBatch batch_;
  datapath::EntryStage stage_;
};

}  // namespace ofe
