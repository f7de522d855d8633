#include "ovs-plugin/exporter/export_part.h"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "flowstore/address.h"
#include "ipfix/flow_keys.h"
#include "ipfix/type_records.h"
#include "ovs-plugin/ovs/ovs.h"

namespace ofe {
namespace {

constexpr std::size_t records_per_turn = 1'000;  // about a microsecond each
constexpr std::int64_t retirement_ms = 5'000;

ipfix::Now to_ipfix(flowstore::Now now) {
  return {now.monotonic_ms, now.wall_ms};
}

void wait_for(const ipfix::ExportingProcess& process) {
  if (process.fd() >= 0) ofe_ovs_poll_fd_wait(process.fd(), process.events());
  if (const auto deadline = process.next_deadline_ms()) ofe_ovs_poll_timer_wait_until(*deadline);
}

ipfix::ExportingOptions exporting_options(const config::Config& settings, std::uint32_t observation_domain) {
  ipfix::ExportingOptions options;
  options.transport =
      settings.collector->protocol == config::CollectorProtocol::udp ? ipfix::Transport::udp : ipfix::Transport::tcp;
  options.observation_domain = observation_domain;
  options.max_message_octets_udp = settings.udp_max_message_octets;
  options.queue_octets = settings.export_queue_octets;
  options.template_refresh_ms = settings.template_refresh_ms;
  options.reconnect_max_ms = settings.reconnect_max_ms;
  return options;
}

bool passes_filter(const config::Config& settings, const flowstore::Flow& flow) {
  return settings.protocols.empty() || std::find(settings.protocols.begin(), settings.protocols.end(),
                                                 flow.original.protocol) != settings.protocols.end();
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

void ExportPart::follow_settings(flowstore::Now now) {
  if (generation_ == state_.settings_generation) return;
  generation_ = state_.settings_generation;
  const config::Config& settings = state_.settings;
  observation_domain_ = settings.observation_domain_id.value_or(record::observation_domain_of(state_.node_name));
  collector_ = settings.enabled && settings.collector ? to_string(*settings.collector) : "";
  const std::string wanted =
      collector_.empty()
          ? ""
          : fmt::format("{} {} {} {} {} {}", collector_, observation_domain_, settings.udp_max_message_octets,
                        settings.export_queue_octets, settings.template_refresh_ms, settings.reconnect_max_ms);
  if (wanted == made_for_) return;
  made_for_ = wanted;
  if (process_) {  // what it has accepted is still sent, where the old collector takes it
    retiring_ = std::move(process_);
    retire_until_ms_ = now.monotonic_ms + retirement_ms;
    retiring_->flush(to_ipfix(now));
  }
  if (collector_.empty()) {
    spdlog::warn(settings.enabled ? "flowCollectorAddr is not set: flows are kept and shown, none is exported"
                                  : "the FlowExporter feature gate is off: flows are kept and shown, none is exported");
    return;
  }
  open(now);
}

void ExportPart::open(flowstore::Now now) {
  process_ = std::make_unique<ipfix::ExportingProcess>(
      exporting_options(state_.settings, observation_domain_),
      [this, collector = *state_.settings.collector](std::string& error) {
        return collector_address(collector, error);
      },
      to_ipfix(now));
  const std::vector<ipfix::Template> templates = record::templates();
  ipfix::add_type_records(*process_, record::template_type_records, templates);
  for (const ipfix::Template& definition : templates) process_->add_template(definition);
  ipfix::add_flow_keys(*process_, record::template_flow_keys, templates, record::is_flow_key);
  spdlog::info("exporting to {} as observation domain {}", collector_, observation_domain_);
}

std::optional<ipfix::SocketAddress> ExportPart::collector_address(const config::Collector& collector,
                                                                  std::string& error) {
  if (!collector.service_name.empty()) return service_address(collector, error);
  if (const auto numeric = ipfix::numeric_address(collector.host, collector.port)) return numeric;
  return lookup_.resolve(collector.host, collector.port, collector.protocol == config::CollectorProtocol::udp, error);
}

// A Service by name: its first cluster IP, as the metadata bridge knows it now.
std::optional<ipfix::SocketAddress> ExportPart::service_address(const config::Collector& collector,
                                                                std::string& error) const {
  const k8s::Service* service = state_.directory.service_named(collector.service_namespace, collector.service_name);
  if (service == nullptr || service->cluster_ips.empty()) {
    error = fmt::format("Service {}/{} is {}", collector.service_namespace, collector.service_name,
                        service == nullptr ? "not known from the k8s-bridge" : "headless: it has no cluster IP");
    return std::nullopt;
  }
  return ipfix::numeric_address(flowstore::to_string(service->cluster_ips.front()), collector.port);
}

// False keeps the flow due: nothing is lost while the queue is full, the store keeps counting.
bool ExportPart::export_one(flowstore::Export& due, ipfix::Now now) {
  const config::Config& settings = state_.settings;
  if (!passes_filter(settings, due.flow)) {
    stats_.filtered_protocol += due.flow.ended;
    return true;
  }
  if (!state_.exported_here(due.flow)) {
    stats_.exported_elsewhere += due.flow.ended;
    return true;
  }
  if (!process_) {
    ++stats_.without_collector;
    return true;
  }
  state_.name(due.flow);
  ipfix::RecordWriter out({buffer_.data(), std::min(buffer_.size(), process_->max_record_octets())});
  record::encode({due.flow, due.delta, due.reason, state_.names.get(due.flow.names)}, out);
  if (out.overflow()) {
    ++stats_.not_encodable;
    return true;
  }
  if (!process_->export_record(record::template_of(due.flow), out.written(), now)) return false;
  ++stats_.records;
  return true;
}

void ExportPart::run(flowstore::Now now) {
  follow_settings(now);
  lookup_.take_notice();
  if (retiring_) {
    retiring_->run(to_ipfix(now));
    if (retiring_->drained() || now.monotonic_ms >= retire_until_ms_) retiring_.reset();
  }
  more_due_ = false;
  if (process_) resumed_.hand_over(*process_, records_per_turn, to_ipfix(now));
  if (!process_ || process_->can_accept(record::max_record_octets)) {
    const std::size_t taken = state_.store.export_due(
        now, records_per_turn, [&](flowstore::Export& due) { return export_one(due, to_ipfix(now)); });
    more_due_ = taken == records_per_turn || (process_ && !resumed_.empty());
    denied_.run(process_.get(), now);
    if (process_ && shutting_down_ && !more_due_ && denied_.finished()) process_->flush(to_ipfix(now));
  }
  if (!process_) return;
  process_->run(to_ipfix(now));
  report();
}

void ExportPart::wait(flowstore::Now now) {
  if (retiring_) {
    wait_for(*retiring_);
    ofe_ovs_poll_timer_wait_until(retire_until_ms_);
  }
  if (lookup_.fd() >= 0) ofe_ovs_poll_fd_wait(lookup_.fd(), 1 /* POLLIN */);
  if (process_) wait_for(*process_);
  if (more_due_) ofe_ovs_poll_immediate_wake();
  denied_.wait(process_.get());
  // With a full queue the socket wakes us; a due flow must not make the loop spin meanwhile.
  const auto deadline = state_.store.next_deadline_ms();
  if (deadline && (!process_ || process_->can_accept(record::max_record_octets))) {
    ofe_ovs_poll_timer_wait_until(std::max(*deadline, now.monotonic_ms));
  }
}

void ExportPart::begin_shutdown(flowstore::Now now) {
  if (shutting_down_) return;
  shutting_down_ = true;
  state_.store.suspend(now);
  denied_.begin_shutdown();
}

bool ExportPart::finished() const {
  return !process_ ||
         (resumed_.empty() && !state_.store.next_deadline_ms() && denied_.finished() && process_->drained());
}

bool ExportPart::is_wanted(const flowstore::Flow& flow) const {
  return passes_filter(state_.settings, flow) &&
         record::exported_here(flow, state_.directory, state_.ports, state_.naming);
}

void ExportPart::for_each_unsent(const ResumedRecords::Visit& visit) {
  if (retiring_) retiring_->for_each_unsent(visit);
  if (process_) process_->for_each_unsent(visit);
  resumed_.for_each(visit);
}

void ExportPart::report() {
  const ipfix::ExportingStats& stats = process_->stats();
  if (stats.state == ipfix::SessionState::connected && reported_state_ != stats.state) {
    spdlog::info("collector {}: connected", stats.peer);
    reported_error_.clear();
  } else if (!stats.last_error.empty() && stats.last_error != reported_error_ && !lookup_.under_way()) {
    spdlog::warn("collector {}: {}; tried again, flows are kept", collector_, stats.last_error);
    reported_error_ = stats.last_error;
  }
  reported_state_ = stats.state;
}

}  // namespace ofe
