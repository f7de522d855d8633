#include "ovs-plugin/exporter/collector_export.h"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <utility>

#include "flowstore/address.h"
#include "ipfix/flow_keys.h"
#include "ipfix/type_records.h"
#include "ovs-plugin/ovs/ovs.h"
#include "ovs-plugin/record/field_table.h"

namespace ofe {
namespace {

// Of what a collector's host had acknowledged before the collector reset the session, so much may not have been read.
constexpr std::size_t resend_octets_with_spool = 4u << 20;

ipfix::ExportingOptions options_of(const config::Config& settings, const CollectorExport::Wanted& wanted) {
  ipfix::ExportingOptions options;
  options.transport = transport_of(wanted.collector.protocol);
  if (options.transport == ipfix::Transport::tls) options.tls = make_tls_context(settings.tls, wanted.collector);
  options.observation_domain = wanted.observation_domain;
  options.max_message_octets_udp = settings.udp_max_message_octets;
  options.udp_segmentation = settings.udp_segmentation;
  options.queue_octets = settings.export_queue_octets;
  options.template_refresh_ms = settings.template_refresh_ms;
  options.reconnect_max_ms = settings.reconnect_max_ms;
  options.statistics_interval_ms = settings.statistics_interval_ms;
  if (!wanted.spool_folder.empty()) {
    options.spool = ipfix::SpoolOptions{wanted.spool_folder, wanted.spool_octets};
    options.resend_octets = resend_octets_with_spool;
  }
  return options;
}

}  // namespace

const char* to_string(ipfix::SessionState state) {
  switch (state) {
    case ipfix::SessionState::idle:
      return "idle";
    case ipfix::SessionState::resolving:
      return "resolving";
    case ipfix::SessionState::connecting:
      return "connecting";
    case ipfix::SessionState::connected:
      return "connected";
    case ipfix::SessionState::backing_off:
      return "waiting to reconnect";
  }
  return "unknown";
}

ipfix::Now to_ipfix(flowstore::Now now) {
  return {now.monotonic_ms, now.wall_ms};
}

std::string CollectorExport::made_for(const config::Config& settings, const Wanted& wanted) {
  return fmt::format("{} {} {} {} {} {} {} {} {} {} {} {} {}", to_string(wanted.collector), wanted.observation_domain,
                     settings.profile, fmt::join(settings.extra_elements, ","), settings.udp_max_message_octets,
                     settings.udp_segmentation, settings.export_queue_octets, settings.template_refresh_ms,
                     settings.reconnect_max_ms, settings.statistics_interval_ms, to_string(settings.tls),
                     wanted.spool_octets, wanted.spool_folder);
}

CollectorExport::CollectorExport(const State& state, Wanted wanted, flowstore::Now now)
    : state_(state),
      wanted_(std::move(wanted)),
      name_(to_string(wanted_.collector)),
      made_for_(made_for(state.settings, wanted_)),
      layout_(state.layout),
      process_(
          options_of(state.settings, wanted_), [this](std::string& error) { return address(error); }, to_ipfix(now)) {
  const std::vector<ipfix::Template> templates = layout_.templates();
  ipfix::add_type_records(process_, record::template_type_records, templates);
  for (const ipfix::Template& definition : templates) process_.add_template(definition);
  ipfix::add_flow_keys(process_, record::template_flow_keys, templates, record::is_flow_key);
  process_.enable_statistics(
      {record::template_sent_statistics, record::template_not_sent_statistics, static_cast<std::uint32_t>(::getpid())});
  spdlog::info("exporting to {} as observation domain {}", name_, wanted_.observation_domain);
}

void CollectorExport::run(flowstore::Now now) {
  lookup_.take_notice();
  process_.run(to_ipfix(now));
  report();
  if (const ipfix::TlsContext* tls = process_.tls()) tls_report_.run(*tls, now);
}

void CollectorExport::wait() const {
  if (process_.fd() >= 0) ofe_ovs_poll_fd_wait(process_.fd(), process_.events());
  if (const auto deadline = process_.next_deadline_ms()) ofe_ovs_poll_timer_wait_until(*deadline);
  if (lookup_.fd() >= 0) ofe_ovs_poll_fd_wait(lookup_.fd(), 1 /* POLLIN */);
}

std::optional<ipfix::SocketAddress> CollectorExport::address(std::string& error) {
  const config::Collector& collector = wanted_.collector;
  if (!collector.service_name.empty()) return service_address(error);
  if (const auto numeric = ipfix::numeric_address(collector.host, collector.port)) return numeric;
  return lookup_.resolve(collector.host, collector.port, collector.protocol == config::CollectorProtocol::udp, error);
}

// A Service by name: its first cluster IP, as the metadata bridge knows it now.
std::optional<ipfix::SocketAddress> CollectorExport::service_address(std::string& error) const {
  const config::Collector& collector = wanted_.collector;
  const k8s::Service* service = state_.directory.service_named(collector.service_namespace, collector.service_name);
  if (service == nullptr || service->cluster_ips.empty()) {
    error = fmt::format("Service {}/{} is {}", collector.service_namespace, collector.service_name,
                        service == nullptr ? "not known from the k8s-bridge" : "headless: it has no cluster IP");
    return std::nullopt;
  }
  return ipfix::numeric_address(flowstore::to_string(service->cluster_ips.front()), collector.port);
}

void CollectorExport::report() {
  const ipfix::ExportingStats& stats = process_.stats();
  if (stats.state == ipfix::SessionState::connected && reported_state_ != stats.state) {
    spdlog::info("collector {}: connected", stats.peer);
    reported_error_.clear();
  } else if (!stats.last_error.empty() && stats.last_error != reported_error_ && !lookup_.under_way()) {
    spdlog::warn("collector {}: {}; tried again, flows are kept", name_, stats.last_error);
    reported_error_ = stats.last_error;
  }
  reported_state_ = stats.state;
  if (stats.spool.error == reported_spool_error_) return;
  reported_spool_error_ = stats.spool.error;
  if (stats.spool.error.empty()) return spdlog::info("collector {}: the spool works again", name_);
  spdlog::warn("collector {}: {}; tried again, records are kept in memory only", name_, stats.spool.error);
}

}  // namespace ofe
