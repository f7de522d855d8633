#include "ovs-plugin/exporter/metrics_part.h"

#include <netinet/in.h>
#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <utility>

#include "flowstore/address.h"
#include "ovs-plugin/exporter/metrics.h"
#include "ovs-plugin/ovs/ovs.h"

namespace ofe {
namespace {

constexpr std::int64_t snapshot_interval_ms = 1'000;
constexpr std::int64_t retry_interval_ms = 10'000;
constexpr std::int64_t closing_interval_ms = 100;

// civetweb says only that it failed: the reason is found out beforehand. "": it can be listened on.
std::string try_to_bind(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  const auto host = flowstore::ipv4_octets(*flowstore::parse_address(address.substr(0, colon)));
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(static_cast<std::uint16_t>(std::stoul(address.substr(colon + 1))));
  std::memcpy(&name.sin_addr, host.data(), host.size());
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const bool bound = fd >= 0 && ::bind(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0;
  const std::string why = bound ? "" : std::strerror(errno);
  if (fd >= 0) ::close(fd);
  return why;
}

}  // namespace

class MetricsPart::Snapshot : public prometheus::Collectable {
 public:
  void put(std::vector<prometheus::MetricFamily> latest) {
    const std::lock_guard lock(mutex_);
    latest_ = std::move(latest);
  }
  std::vector<prometheus::MetricFamily> Collect() const override {
    const std::lock_guard lock(mutex_);
    return latest_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<prometheus::MetricFamily> latest_;
};

MetricsPart::MetricsPart(const State& state, std::function<Json()> status)
    : state_(state), status_(std::move(status)), snapshot_(std::make_shared<Snapshot>()) {}

MetricsPart::~MetricsPart() = default;

// civetweb's threads look up every two seconds only whether they are to stop, so that is waited for elsewhere.
void MetricsPart::close() {
  if (!exposer_) return;
  closing_ = std::async(std::launch::async, [old = std::move(exposer_)]() mutable { old.reset(); });
}

bool MetricsPart::closing() {
  if (!closing_.valid()) return false;
  if (closing_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return true;
  closing_.get();
  return false;
}

void MetricsPart::follow_settings() {
  if (address_ == state_.settings.metrics_address) return;
  if (closing()) return;  // of the change before this one
  address_ = state_.settings.metrics_address;
  problem_.clear();
  next_attempt_ms_ = 0;
  close();
}

void MetricsPart::open(flowstore::Now now) {
  next_attempt_ms_ = now.monotonic_ms + retry_interval_ms;
  std::string why = try_to_bind(address_);
  if (why.empty()) {
    try {
      exposer_ = std::make_unique<prometheus::Exposer>(
          std::vector<std::string>{"listening_ports", address_, "num_threads", "2", "request_timeout_ms", "5000"});
      exposer_->RegisterCollectable(snapshot_);
    } catch (const std::exception& error) {
      why = error.what();
    }
  }
  if (why.empty()) {
    problem_.clear();
    next_snapshot_ms_ = now.monotonic_ms;
    spdlog::info("metrics: http://{}/metrics", address_);
    return;
  }
  const std::string problem = "cannot listen on " + address_ + ": " + why;
  if (problem != problem_) spdlog::warn("metrics: {}; tried again, everything else goes on", problem);
  problem_ = problem;
}

void MetricsPart::run(flowstore::Now now) {
  follow_settings();
  if (!address_.empty() && !exposer_ && now.monotonic_ms >= next_attempt_ms_ && !closing()) open(now);
  if (!exposer_ || now.monotonic_ms < next_snapshot_ms_) return;
  next_snapshot_ms_ = now.monotonic_ms + snapshot_interval_ms;
  snapshot_->put(metrics_of(status_()));
}

void MetricsPart::wait(flowstore::Now now) {
  if (closing()) {
    ofe_ovs_poll_timer_wait_until(now.monotonic_ms + closing_interval_ms);
  } else if (exposer_) {
    ofe_ovs_poll_timer_wait_until(next_snapshot_ms_);
  } else if (!address_.empty()) {
    ofe_ovs_poll_timer_wait_until(next_attempt_ms_);
  }
}

std::uint16_t MetricsPart::port() const {
  return exposer_ ? static_cast<std::uint16_t>(exposer_->GetListeningPorts().at(0)) : 0;
}

}  // namespace ofe
