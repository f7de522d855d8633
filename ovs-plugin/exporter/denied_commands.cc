#include "ovs-plugin/exporter/denied_commands.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>

#include "flowstore/address.h"
#include "ovs-plugin/exporter/denied_names.h"
#include "ovs-plugin/exporter/exporter.h"
#include "ovs-plugin/exporter/flow_selection.h"
#include "ovs-plugin/exporter/text_table.h"

namespace ofe {
namespace {

using denied::Drop;

// "10.79.0.3", "192.0.0.0/2", "any".
std::string address_text(const Drop& drop, const datapath::Masked<flowstore::Address>& masked,
                         const flowstore::Address& value) {
  const bool ipv4 = drop.key.is_ipv4();
  const unsigned length = denied::prefix_length(masked, ipv4), whole = ipv4 ? 32 : 128;
  if (length == 0) return "any";
  return flowstore::to_string(value) + (length == whole ? "" : fmt::format("/{}", length));
}

// "9999", "any", or value/mask where a part of it is pinned.
std::string port_text(const datapath::Masked<std::uint16_t>& port) {
  if (port.mask == 0xffff) return std::to_string(port.value);
  return port.mask == 0 ? "any" : fmt::format("{:#x}/{:#x}", port.value, port.mask);
}

Json rule_json(const denied::Verdict& verdict) {
  if (verdict.kind == denied::DropKind::unclassified) return nullptr;
  Json json{{"table", verdict.table}};
  if (verdict.missed) {
    json["match"] = "no rule";
  } else {
    json["priority"] = verdict.priority;
    json["cookie"] = fmt::format("{:#x}", verdict.cookie);
    json["match"] = verdict.match;
  }
  return json;
}

Json drop_json(const Drop& drop, const record::Names& names) {
  const denied::DropKey& key = drop.key;
  const flowstore::Tuple values = denied::pinned_values(key);
  Json json{{"kind", to_string(drop.verdict.kind)},
            {"inPort", key.in_port},
            {"ethType", fmt::format("{:#06x}", key.eth_type)},
            {"sourcePod", pod_text(names.source_namespace, names.source_pod)},
            {"sourceNode", names.source_node},
            {"destinationPod", pod_text(names.destination_namespace, names.destination_pod)},
            {"destinationNode", names.destination_node},
            {"service", names.service_port_name}};
  if (key.is_ip()) {
    json["source"] = address_text(drop, key.source, values.source);
    json["destination"] = address_text(drop, key.destination, values.destination);
    json["protocol"] = key.protocol.mask == 0xff ? protocol_name(key.protocol.value) : "any";
    if (key.is_icmp()) {
      json["type"] = key.icmp_type.mask == 0xff ? Json(key.icmp_type.value) : Json("any");
      json["code"] = key.icmp_code.mask == 0xff ? Json(key.icmp_code.value) : Json("any");
    } else {
      json["sourcePort"] = port_text(key.source_port);
      json["destinationPort"] = port_text(key.destination_port);
    }
  }
  json["packets"] = drop.packets;
  json["octets"] = drop.octets;
  json["counts"] = drop.exact ? "exact" : "at least";
  json["rule"] = rule_json(drop.verdict);
  json["firstSeen"] = time_text(drop.first_wall_ms);
  json["lastSeen"] = time_text(drop.last_wall_ms);
  json["exports"] = drop.exports;
  return json;
}

std::string endpoint_text(const Drop& drop, bool source, const record::Names& names) {
  const denied::DropKey& key = drop.key;
  const std::string pod = source ? pod_text(names.source_namespace, names.source_pod)
                                 : pod_text(names.destination_namespace, names.destination_pod);
  if (!key.is_ip()) return pod.empty() ? "-" : pod;
  const flowstore::Tuple values = denied::pinned_values(key);
  std::string text =
      address_text(drop, source ? key.source : key.destination, source ? values.source : values.destination);
  const datapath::Masked<std::uint16_t>& port = source ? key.source_port : key.destination_port;
  if (port.mask != 0 && !key.is_icmp()) text = (key.is_ipv4() ? text : "[" + text + "]") + ":" + port_text(port);
  return pod.empty() ? text : fmt::format("{} ({})", pod, text);
}

using Row = std::vector<std::string>;

Row row_of(const Drop& drop, const record::Names& names) {
  const denied::DropKey& key = drop.key;
  const denied::Verdict& verdict = drop.verdict;
  std::string rule = verdict.kind == denied::DropKind::unclassified ? "-"
                     : verdict.missed
                         ? fmt::format("table {}, no rule", verdict.table)
                         : fmt::format("table {}, priority {}, cookie {:#x}{}{}", verdict.table, verdict.priority,
                                       verdict.cookie, verdict.match.empty() ? "" : ", ", verdict.match);
  std::string protocol = !key.is_ip()                ? fmt::format("{:#06x}", key.eth_type)
                         : key.protocol.mask == 0xff ? protocol_name(key.protocol.value)
                                                     : "any";
  const char* const at_least = drop.exact ? "" : "≥";
  return {to_string(verdict.kind),
          std::move(protocol),
          key.in_port,
          endpoint_text(drop, true, names),
          endpoint_text(drop, false, names),
          fmt::format("{}{}", at_least, drop.packets),
          fmt::format("{}{}", at_least, drop.octets),
          std::move(rule)};
}

// Drops are put into words as they are met: they may be gone when the walk is over.
class DeniedListing : public Listing {
 public:
  DeniedListing(const State& state, const FlowFilter& filter) : state_(state), selection_(filter) {}
  bool step() override {
    constexpr std::size_t drops_per_turn = 200;
    next_ = state_.denied.each_from(next_, drops_per_turn, [this](const Drop& drop) { take(drop); });
    return next_ != 0;
  }
  Answer answer() override {
    if (json()) return {true, fmt::format("{{\"denied\":[{}],\"leftOut\":{}}}\n", json_, selection_.left_out())};
    std::string text = table_of(rows_) + selection_.left_out_text();
    if (waiting_ != 0) text += fmt::format("{} wait for ovs-vswitchd to say which rule drops them\n", waiting_);
    return {true, text};
  }

 private:
  bool json() const { return selection_.filter().json; }
  void take(const Drop& drop) {
    waiting_ += !drop.asked;
    if (selection_.over()) return selection_.leave_out(1);
    const record::Names names = names_of(state_, drop);
    if (!selection_.take(as_flow(drop), names)) return;
    if (json()) {
      json_ += (json_.empty() ? "" : ",") + drop_json(drop, names).dump();
    } else {
      rows_.push_back(row_of(drop, names));
    }
  }

  const State& state_;
  FlowSelection selection_;
  std::size_t next_ = 0;
  std::vector<Row> rows_{{"KIND", "PROTO", "PORT", "SOURCE", "DESTINATION", "PACKETS", "OCTETS", "RULE"}};
  std::string json_;
  std::size_t waiting_ = 0;
};

const char* setting_name(config::DeniedFlows wanted) {
  static constexpr const char* names[] = {"policy", "all", "off"};
  return names[static_cast<std::size_t>(wanted)];
}

}  // namespace

std::unique_ptr<Listing> denied_list(const State& state, const FlowFilter& filter) {
  return std::make_unique<DeniedListing>(state, filter);
}

Json kernel_flows_json(const KernelFlowsPart& part) {
  if (part.source() == nullptr) return nullptr;
  const datapath::KernelFlowsStats& stats = part.source()->stats();
  return {{"flows", part.stats().flows},
          {"ports", stats.ports},
          {"dumps", stats.dumps},
          {"dumpsFailed", stats.dumps_failed},
          {"undecodable", stats.undecodable},
          {"lastDumpMs", part.stats().last_dump_ms},
          {"dumpIntervalMs", part.stats().dump_interval_ms},
          {"lastError", stats.last_error}};
}

Json denied_json(Exporter& exporter) {
  const denied::Table& table = exporter.state().denied;
  const denied::TableStats& stats = table.stats();
  const DeniedPartStats& asked = exporter.denied().stats();
  const DeniedExportStats& exported = exporter.exporting().denied().stats();
  constexpr const char* kind_names[] = {"unclassified", "policy", "invalidState", "antiSpoofing", "tableMiss", "other"};
  Json kinds = Json::object();
  std::array<std::uint64_t, std::size(kind_names)> by_kind{};
  table.each([&](const Drop& drop) { ++by_kind[static_cast<std::size_t>(drop.verdict.kind)]; });
  for (std::size_t kind = 0; kind < by_kind.size(); ++kind) {
    kinds[kind_names[kind]] = by_kind[kind];
  }
  return {{"wanted", setting_name(exporter.state().settings.denied_flows)},
          {"drops", table.size()},
          {"dropLimit", table.limits().max_drops},
          {"kinds", std::move(kinds)},
          {"megaflows", table.megaflows()},
          {"megaflowLimit", table.limits().max_megaflows},
          {"megaflowsSeen", stats.drop_megaflows},
          {"megaflowsRefusedFull", stats.refused_megaflows},
          {"megaflowsWithoutUfid", stats.without_ufid},
          {"dropsRefusedFull", stats.refused_drops},
          {"counterRestarts", stats.counter_restarts},
          {"netflowCountsTaken", stats.netflow_tuples},
          {"tracesWaiting", table.questions()},
          {"traces", asked.traces},
          {"tracesRefused", asked.traces_refused},
          {"tracesFailed", asked.traces_failed},
          {"tracesUnreadable", asked.unreadable},
          {"goneBeforeTraced", stats.gone_unasked},
          {"lastTraceProblem", asked.last_problem},
          {"records", exported.records},
          {"ended", exported.ended},
          {"endedNotOfPolicy", exported.not_of_policy},
          {"endedUnclassified", exported.unclassified},
          {"endedNotIp", exported.not_ip},
          {"filteredByProtocol", exported.filtered_protocol},
          {"withoutCollector", exported.without_collector},
          {"notEncodable", exported.not_encodable}};
}

}  // namespace ofe
