#include "ovs-plugin/exporter/metadata_part.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "ovs-plugin/ovs/ovs.h"

namespace ofe {
namespace {
constexpr std::int64_t expiry_interval_ms = 10'000;
}

void MetadataPart::follow_settings() {
  const config::Config& settings = state_.settings;
  if (client_ && socket_ == settings.metadata_socket && cluster_scope_ == settings.remote_names) return;
  socket_ = settings.metadata_socket;
  cluster_scope_ = settings.remote_names;
  k8s::ClientOptions options;
  options.socket_path = socket_;
  options.node_name = state_.node_name;
  options.cluster_scope = cluster_scope_;
  client_ = std::make_unique<k8s::Client>(options, state_.directory);
}

void MetadataPart::report() {
  const k8s::ClientStats& stats = client_->stats();
  if (stats.connected != reported_connected_) {
    reported_connected_ = stats.connected;
    reported_failure_ = false;
    if (stats.connected) {
      spdlog::info("metadata: connected to the k8s-bridge at {}", socket_);
    } else {
      spdlog::warn("metadata: {}; names known before stay in use", stats.last_error);
      reported_failure_ = true;
    }
  } else if (!stats.connected && !reported_failure_ && !stats.last_error.empty()) {
    reported_failure_ = true;
    spdlog::warn("metadata: {}; until the k8s-bridge answers only Pods named in OVSDB have names", stats.last_error);
  }
}

void MetadataPart::run(flowstore::Now now) {
  follow_settings();
  client_->run(now.monotonic_ms, now.wall_ms);
  report();
  if (now.monotonic_ms < next_expiry_ms_) return;
  next_expiry_ms_ = now.monotonic_ms + expiry_interval_ms;
  state_.directory.expire(now.wall_ms);
}

double MetadataPart::staleness_seconds(flowstore::Now now) const {
  const std::int64_t since_ms = client_->stats().stale_since_wall_ms;
  return since_ms == 0 ? 0 : static_cast<double>(std::max<std::int64_t>(0, now.wall_ms - since_ms)) / 1000.0;
}

void MetadataPart::wait(flowstore::Now) {
  if (client_->fd() >= 0) ofe_ovs_poll_fd_wait(client_->fd(), client_->events());
  if (const auto deadline = client_->next_deadline_ms()) ofe_ovs_poll_timer_wait_until(*deadline);
}

}  // namespace ofe
