// The metrics endpoint, http://<ovsFlowExporter.metricsAddress>/metrics.
//
// The web server (civetweb, by prometheus-cpp) answers on threads of its own. They never touch what the loop works on:
// the loop puts a copy of the numbers before them, once a second while the endpoint is on.
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <string>

#include "ovs-plugin/exporter/commands.h"
#include "ovs-plugin/exporter/part.h"
#include "ovs-plugin/exporter/state.h"

namespace prometheus {
class Exposer;
}

namespace ofe {

class MetricsPart : public Part {
 public:
  // status: the tree of exporter/status, asked in run().
  MetricsPart(const State& state, std::function<Json()> status);
  ~MetricsPart() override;  // waits for the web server's threads, up to two seconds
  void run(flowstore::Now now) override;
  void wait(flowstore::Now now) override;

  // Stops answering, without waiting for it to be done.
  void close();

  std::uint16_t port() const;  // 0: not listening
  const std::string& problem() const { return problem_; }

 private:
  class Snapshot;

  void follow_settings();
  void open(flowstore::Now now);
  bool closing();

  const State& state_;
  const std::function<Json()> status_;
  const std::shared_ptr<Snapshot> snapshot_;
  std::unique_ptr<prometheus::Exposer> exposer_;
  std::future<void> closing_;  // of the one before
  std::string address_;        // as configured; "": off
  std::string problem_;        // "", or why nothing listens there
  std::int64_t next_attempt_ms_ = 0;
  std::int64_t next_snapshot_ms_ = 0;
};

}  // namespace ofe
