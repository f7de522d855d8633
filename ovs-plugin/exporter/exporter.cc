#include "ovs-plugin/exporter/exporter.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

#include "ovs-plugin/exporter/commands.h"
#include "ovs-plugin/ovs/ovs.h"

namespace ofe {
namespace {
flowstore::Now read_clocks() {
  return {ofe_ovs_monotonic_ms(), ofe_ovs_wall_ms()};
}
}  // namespace

Exporter::Exporter(const ExporterOptions& options, config::Config settings)
    : now_(read_clocks()),
      state_(std::move(settings), options.node_name, now_),
      config_(state_, options.config_file),
      ovsdb_(state_, options.database),
      metadata_(state_),
      netflow_(state_, ovsdb_),
      conntrack_(state_, ovsdb_),
      kernel_flows_(state_, ovsdb_),
      denied_(state_, ovsdb_, conntrack_.vswitchd_budget()),
      export_(state_),
      metrics_(state_, [this] { return status_json(*this); }),
      state_file_(state_, export_),
      zones_(state_, ovsdb_, conntrack_.vswitchd_budget()),
      ports_(state_, ovsdb_, conntrack_.vswitchd_budget(), ofe_ovs_rundir()) {}

void Exporter::resume() {
  now_ = read_clocks();
  state_file_.read(now_);
  state_file_.note_read_ms(read_clocks().monotonic_ms - now_.monotonic_ms);
  conntrack_.resume(state_file_.zones());
}

void Exporter::turn(ofe_ovs_server* server) {
  const auto began = std::chrono::steady_clock::now();
  now_ = read_clocks();
  for (Part* part : parts_) part->run(now_);
  ofe_ovs_server_run(server);
  for (Part* part : parts_) part->wait(now_);
  ofe_ovs_server_wait(server);
  const auto took = std::chrono::steady_clock::now() - began;
  loop_times_.add(std::chrono::duration_cast<std::chrono::microseconds>(took).count());
}

void Exporter::run(ofe_ovs_server* server) {
  resume();
  while (!ofe_ovs_termination_requested()) {
    turn(server);
    ofe_ovs_signals_wait();
    ofe_ovs_poll_block();
  }
  shut_down();
}

// No last dump is taken, as it would take too long; events that have come are read, as they cannot be asked for again.
// What the store holds goes out with flowEndReason "forced end".
void Exporter::shut_down() {
  listings_.give_up();
  now_ = read_clocks();
  const std::int64_t give_up_ms = now_.monotonic_ms + state_.settings.shutdown_grace_ms;
  conntrack_.take_last_events(now_);
  spdlog::info("terminating: {} flows to export", state_.store.stats().flows);
  export_.begin_shutdown(now_);
  metrics_.close();
  while (true) {
    now_ = read_clocks();
    export_.run(now_);
    if (export_.finished() || now_.monotonic_ms >= give_up_ms) break;
    export_.wait(now_);
    ofe_ovs_poll_timer_wait_until(give_up_ms);
    ofe_ovs_poll_block();
  }
  if (!export_.finished()) {
    std::size_t unsent = 0;
    export_.for_each_unsent([&unsent](std::string_view, std::uint16_t, std::span<const std::uint8_t>) { ++unsent; });
    spdlog::warn("terminating: {} flows were not exported and {} records not sent within {} ms",
                 state_.store.suspended_unexported(), unsent, state_.settings.shutdown_grace_ms);
  }
  ovsdb_.close();
  state_file_.write(now_);
}

}  // namespace ofe
