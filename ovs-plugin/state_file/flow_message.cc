#include "ovs-plugin/state_file/flow_message.h"

#include <algorithm>
#include <string>

namespace ofe::state_file {
namespace {

using flowstore::Address;
using flowstore::Flow;
using flowstore::Tuple;

// Far beyond any clock's reading, and far from overflow in what is reckoned with it.
constexpr std::int64_t last_time_ms = std::int64_t{1} << 53;

bool is_time(std::int64_t ms) {
  return ms >= 0 && ms < last_time_ms;
}

void set_address(std::string& octets, const Address& address) {
  const auto* const begin = reinterpret_cast<const char*>(address.data());
  const std::size_t skipped = flowstore::is_ipv4(address) ? 12 : 0;
  octets.assign(begin + skipped, begin + address.size());
}

bool get_address(const std::string& octets, Address& address) {
  if (octets.size() == 4) {
    address = flowstore::address_from_ipv4(reinterpret_cast<const std::uint8_t*>(octets.data()));
    return true;
  }
  if (octets.size() != address.size()) return false;
  std::copy(octets.begin(), octets.end(), address.begin());
  return true;
}

std::uint32_t ports_of(const Tuple& tuple) {
  return std::uint32_t{tuple.source_port} << 16 | tuple.destination_port;
}
void set_ports(std::uint32_t ports, Tuple& tuple) {
  tuple.source_port = static_cast<std::uint16_t>(ports >> 16);
  tuple.destination_port = static_cast<std::uint16_t>(ports);
}

Tuple turned_round(const Tuple& tuple) {
  return {tuple.destination, tuple.source, tuple.destination_port, tuple.source_port, tuple.protocol};
}

bool get_tuples(const v1::Flow& message, Flow& flow) {
  if (message.protocol() > 255 || message.reply_protocol() > 255) return false;
  flow.original.protocol = static_cast<std::uint8_t>(message.protocol());
  set_ports(message.original_ports(), flow.original);
  if (!get_address(message.original_source(), flow.original.source) ||
      !get_address(message.original_destination(), flow.original.destination)) {
    return false;
  }
  flow.reply = turned_round(flow.original);
  if (!message.has_reply_source()) return true;
  flow.reply.protocol = static_cast<std::uint8_t>(message.reply_protocol());
  set_ports(message.reply_ports(), flow.reply);
  return get_address(message.reply_source(), flow.reply.source) &&
         get_address(message.reply_destination(), flow.reply.destination);
}

bool get_entry(const v1::Flow& message, Flow& flow) {
  if (message.zone() > 65535 || message.tcp_state() > static_cast<std::uint32_t>(flowstore::TcpState::closed) ||
      message.statistics() > static_cast<std::uint32_t>(flowstore::Statistics::estimated)) {
    return false;
  }
  flow.zone = static_cast<std::uint16_t>(message.zone());
  flow.id = message.id();
  flow.status = message.status();
  flow.timeout_s = message.timeout_s();
  flow.mark = message.mark();
  flow.tcp_state = static_cast<flowstore::TcpState>(message.tcp_state());
  flow.statistics = static_cast<flowstore::Statistics>(message.statistics());
  constexpr float most_percent = 1e9;
  const float percent = message.relative_error_percent();
  if (!(percent >= 0 && percent <= most_percent)) return false;  // nor what is no number
  flow.relative_error = flowstore::ErrorPercent::at_least(percent);
  if (message.labels().empty()) return true;
  if (message.labels().size() != flow.labels.size()) return false;
  std::copy(message.labels().begin(), message.labels().end(), flow.labels.begin());
  return true;
}

}  // namespace

void to_message(const flowstore::Baseline& baseline, std::uint32_t names, v1::Flow& message) {
  const Flow& flow = baseline.flow;
  message.set_protocol(flow.original.protocol);
  set_address(*message.mutable_original_source(), flow.original.source);
  set_address(*message.mutable_original_destination(), flow.original.destination);
  message.set_original_ports(ports_of(flow.original));
  if (flow.reply != turned_round(flow.original)) {
    set_address(*message.mutable_reply_source(), flow.reply.source);
    set_address(*message.mutable_reply_destination(), flow.reply.destination);
    message.set_reply_ports(ports_of(flow.reply));
    message.set_reply_protocol(flow.reply.protocol);
  }
  message.set_zone(flow.zone);
  message.set_id(flow.id);
  message.set_status(flow.status);
  message.set_timeout_s(flow.timeout_s);
  message.set_mark(flow.mark);
  if (flow.labels != decltype(flow.labels){}) message.set_labels(flow.labels.data(), flow.labels.size());
  message.set_tcp_state(static_cast<std::uint32_t>(flow.tcp_state));
  message.set_statistics(static_cast<std::uint32_t>(flow.statistics));
  message.set_relative_error_percent(flow.relative_error.percent());
  message.set_birth_seen(flow.birth_seen);
  message.set_start_known(baseline.start_known);
  message.set_end_told(baseline.end_told);
  message.set_end_reason(flow.ended ? static_cast<std::uint32_t>(baseline.end_reason) : 0);
  message.set_start_wall_ms(flow.start_wall_ms);
  message.set_start_ns(flow.start_ns);
  message.set_last_wall_ms(flow.last_wall_ms - flow.start_wall_ms);
  message.set_first_monotonic_ms(flow.first_monotonic_ms);
  message.set_total_packets(flow.total.packets);
  message.set_total_octets(flow.total.octets);
  message.set_total_reverse_packets(flow.total.reverse_packets);
  message.set_total_reverse_octets(flow.total.reverse_octets);
  message.set_pending_packets(flow.pending.packets);
  message.set_pending_octets(flow.pending.octets);
  message.set_pending_reverse_packets(flow.pending.reverse_packets);
  message.set_pending_reverse_octets(flow.pending.reverse_octets);
  message.set_exports(flow.exports);
  message.set_names(names);
}

bool from_message(const v1::Flow& message, flowstore::Baseline& baseline) {
  baseline = {};
  Flow& flow = baseline.flow;
  if (!get_tuples(message, flow) || !get_entry(message, flow)) return false;
  if (message.end_reason() > static_cast<std::uint32_t>(flowstore::EndReason::lack_of_resources)) return false;
  flow.ended = message.end_reason() != 0;
  if (flow.ended) baseline.end_reason = static_cast<flowstore::EndReason>(message.end_reason());
  flow.birth_seen = message.birth_seen();
  baseline.start_known = message.start_known();
  baseline.end_told = message.end_told();

  const bool near = message.last_wall_ms() > -last_time_ms && message.last_wall_ms() < last_time_ms;
  if (!is_time(message.start_wall_ms()) || !is_time(message.first_monotonic_ms()) || !near) return false;
  flow.start_wall_ms = message.start_wall_ms();
  flow.start_ns = message.start_ns();
  flow.last_wall_ms = message.start_wall_ms() + message.last_wall_ms();
  flow.first_monotonic_ms = message.first_monotonic_ms();
  flow.total = {message.total_packets(), message.total_octets(), message.total_reverse_packets(),
                message.total_reverse_octets()};
  flow.pending = {message.pending_packets(), message.pending_octets(), message.pending_reverse_packets(),
                  message.pending_reverse_octets()};
  flow.exports = message.exports();
  return true;
}

void to_message(const flowstore::Births& births, v1::Births& message) {
  message.set_from_wall_ms(births.from_wall_ms);
  for (const auto& of : births.of_zones) {
    auto& added = *message.add_of_zones();
    added.set_zone(of.zone);
    added.set_from_wall_ms(of.from_wall_ms);
  }
}

bool from_message(const v1::Births& message, flowstore::Births& births) {
  births = {message.from_wall_ms(), {}};
  for (const auto& of : message.of_zones()) {
    if (of.zone() > 65535 || !is_time(of.from_wall_ms())) return false;
    births.of_zones.push_back({static_cast<std::uint16_t>(of.zone()), of.from_wall_ms()});
  }
  return is_time(births.from_wall_ms);
}

}  // namespace ofe::state_file
