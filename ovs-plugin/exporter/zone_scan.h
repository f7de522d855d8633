// One scan of one conntrack zone, whichever datapath tracks it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "ovs-plugin/conntrack/dump_text.h"
#include "ovs-plugin/conntrack/kernel_source.h"
#include "ovs-plugin/exporter/observation_batch.h"
#include "ovs-plugin/exporter/state.h"
#include "ovs-plugin/exporter/vswitchd_client.h"

namespace ofe {

class ZoneScan {
 public:
  virtual ~ZoneScan() = default;
  // What must be read before the zones of one poll; finished when step() says complete.
  virtual bool prepare(flowstore::Now now) = 0;
  // False: could not begin, error() says why.
  virtual bool start(std::uint16_t zone, flowstore::Now now) = 0;
  enum class Progress : std::uint8_t { more, waiting, complete, failed };
  virtual Progress step(flowstore::Now now) = 0;
  virtual void wait() const = 0;
  virtual void abandon() = 0;
  virtual std::string error() const = 0;
};

class KernelScan : public ZoneScan {
 public:
  explicit KernelScan(State& state) : state_(state) {}
  bool prepare(flowstore::Now) override { return false; }
  bool start(std::uint16_t zone, flowstore::Now now) override;
  Progress step(flowstore::Now now) override;
  void wait() const override;
  void abandon() override {}
  std::string error() const override { return source_.stats().last_error; }
  const conntrack::KernelSourceStats& stats() const { return source_.stats(); }

 private:
  State& state_;
  conntrack::KernelSource source_;
  ObservationBatch batch_;
};

// The userspace datapath lives inside ovs-vswitchd and is asked over its control socket: first its flows (for what
// conntrack there does not count), then each zone.
class UserspaceScan : public ZoneScan {
 public:
  explicit UserspaceScan(State& state) : state_(state) {}
  bool prepare(flowstore::Now now) override;
  bool start(std::uint16_t zone, flowstore::Now now) override;
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
