// flow/list and flow/show.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "flowstore/address.h"
#include "ovs-plugin/exporter/commands.h"
#include "ovs-plugin/exporter/denied_commands.h"
#include "ovs-plugin/exporter/exporter.h"
#include "ovs-plugin/exporter/flow_selection.h"
#include "ovs-plugin/exporter/text_table.h"

namespace ofe {
namespace {

constexpr std::size_t show_limit = 20;

bool has_ports(std::uint8_t protocol) {
  return protocol == 6 || protocol == 17 || protocol == 132;
}

std::string endpoint_text(const flowstore::Address& address, std::uint16_t port, std::uint8_t protocol) {
  const std::string text = flowstore::to_string(address);
  if (!has_ports(protocol)) return text;
  return flowstore::is_ipv4(address) ? fmt::format("{}:{}", text, port) : fmt::format("[{}]:{}", text, port);
}

Json tuple_json(const flowstore::Tuple& tuple) {
  Json json{{"source", flowstore::to_string(tuple.source)}, {"destination", flowstore::to_string(tuple.destination)}};
  if (has_ports(tuple.protocol)) {
    json["sourcePort"] = tuple.source_port;
    json["destinationPort"] = tuple.destination_port;
  } else {
    json["id"] = tuple.source_port;
    json["type"] = tuple.destination_port >> 8;
    json["code"] = tuple.destination_port & 0xff;
  }
  return json;
}

Json counters_json(const flowstore::Counters& counters) {
  return {{"packets", counters.packets},
          {"octets", counters.octets},
          {"reversePackets", counters.reverse_packets},
          {"reverseOctets", counters.reverse_octets}};
}

std::string labels_text(const std::array<std::uint8_t, 16>& labels) {
  std::string text;
  for (const std::uint8_t octet : labels) text += fmt::format("{:02x}", octet);
  text.erase(0, std::min(text.find_first_not_of('0'), text.size() - 1));
  return "0x" + text;
}

// Antrea keeps the numbers of the rules that let a connection in and out in the lowest 64 bits (ct_label 0..31 ingress,
// 32..63 egress). What they are called only its agent knows.
std::uint32_t rule_in_labels(const std::array<std::uint8_t, 16>& labels, std::size_t lowest_bit) {
  std::uint32_t rule = 0;
  for (std::size_t i = 0; i < 4; ++i) rule = rule << 8 | labels[12 - lowest_bit / 8 + i];
  return rule;
}

Json flow_json(const State& state, const flowstore::Flow& flow, const record::Names& names) {
  Json json{{"protocol", protocol_name(flow.original.protocol)},
            {"original", tuple_json(flow.original)},
            {"reply", tuple_json(flow.reply)},
            {"sourcePod", pod_text(names.source_namespace, names.source_pod)},
            {"sourceNode", names.source_node},
            {"destinationPod", pod_text(names.destination_namespace, names.destination_pod)},
            {"destinationNode", names.destination_node},
            {"service", names.service_port_name},
            {"zone", flow.zone},
            {"state", flow.ended ? "ended" : "live"},
            {"statistics", statistics_name(flow.statistics)},
            {"total", counters_json(flow.total)},
            {"notYetExported", counters_json(flow.pending)},
            {"start", time_text(flow.start_wall_ms)},
            {"lastSeen", time_text(flow.last_wall_ms)},
            {"birthSeen", flow.birth_seen},
            {"exports", flow.exports},
            {"conntrackId", flow.id},
            {"conntrackStatus", fmt::format("{:#x}", flow.status)},
            {"conntrackTimeoutSeconds", flow.timeout_s},
            {"mark", fmt::format("{:#x}", flow.mark)},
            {"labels", labels_text(flow.labels)},
            {"ingressRuleId", rule_in_labels(flow.labels, 0)},
            {"egressRuleId", rule_in_labels(flow.labels, 32)}};
  add_ports(state, flow, json);
  if (flow.statistics == flowstore::Statistics::estimated) json["relativeErrorPercent"] = flow.relative_error.percent();
  if (flow.tcp_state != flowstore::TcpState::none) json["tcpState"] = tcp_state_name(flow.tcp_state);
  return json;
}

using Row = std::vector<std::string>;

Row row_of(const flowstore::Flow& flow, const record::Names& names) {
  const auto& [original, reply] = std::tie(flow.original, flow.reply);
  const auto with_name = [](const std::string& pod, std::string address) {
    return pod.empty() ? address : pod + " (" + address + ")";
  };
  return {
      protocol_name(original.protocol),
      with_name(pod_text(names.source_namespace, names.source_pod),
                endpoint_text(original.source, original.source_port, original.protocol)),
      with_name(pod_text(names.destination_namespace, names.destination_pod),
                endpoint_text(reply.source, reply.source_port, original.protocol)),
      names.service_port_name,
      fmt::format("{}/{}", flow.total.packets, flow.total.reverse_packets),
      fmt::format("{}/{}", flow.total.octets, flow.total.reverse_octets),
      flow.ended ? "ended" : (flow.tcp_state == flowstore::TcpState::none ? "live" : tcp_state_name(flow.tcp_state))};
}

bool parse_filters(const Arguments& arguments, FlowFilter& filter, Answer& wrong) {
  for (const std::string& argument : arguments) {
    if (!add_filter(argument, filter, wrong.text)) {
      wrong.good = false;
      return false;
    }
  }
  return true;
}

// Flows are put into words as they are met: they may be gone when the walk is over.
class FlowListing : public Listing {
 public:
  FlowListing(const State& state, FlowFilter filter) : state_(state), selection_(std::move(filter)) {}

  bool step() override {
    constexpr std::uint32_t places_per_turn = 20'000;
    constexpr std::size_t listed_per_turn = 200;
    const std::size_t listed_before = selection_.listed();
    for (std::uint32_t places = 0;
         next_ && places < places_per_turn && selection_.listed() - listed_before < listed_per_turn;) {
      constexpr std::uint32_t at_once = 200;
      next_ = state_.store.for_each_from(*next_, at_once, [this](const flowstore::Flow& flow) { take(flow); });
      places += at_once;
      if (selection_.over()) finish_early();
    }
    return next_.has_value();
  }

 protected:
  virtual void list(const flowstore::Flow& flow, const record::Names& names) = 0;

  const State& state() const { return state_; }
  const FlowSelection& selection() const { return selection_; }

 private:
  void take(const flowstore::Flow& flow) {
    const record::Names& names = state_.names.get(flow.names);
    if (selection_.take(flow, names)) list(flow, names);
  }
  void finish_early() {
    const std::size_t met = selection_.listed() + selection_.left_out();
    selection_.leave_out(state_.store.stats().flows - std::min(met, state_.store.stats().flows));
    next_.reset();
  }

  const State& state_;
  FlowSelection selection_;
  std::optional<std::uint32_t> next_ = 0;
};

class JsonListing : public FlowListing {
 public:
  using FlowListing::FlowListing;
  Answer answer() override { return {true, text_ + fmt::format("],\"leftOut\":{}}}\n", selection().left_out())}; }

 private:
  void list(const flowstore::Flow& flow, const record::Names& names) override {
    if (selection().listed() > 1) text_ += ',';
    text_ += flow_json(state(), flow, names).dump();
  }
  std::string text_ = "{\"flows\":[";
};

class TableListing : public FlowListing {
 public:
  using FlowListing::FlowListing;
  Answer answer() override { return {true, table_of(rows_) + selection().left_out_text()}; }

 private:
  void list(const flowstore::Flow& flow, const record::Names& names) override { rows_.push_back(row_of(flow, names)); }
  std::vector<Row> rows_{{"PROTO", "SOURCE", "DESTINATION", "SERVICE", "PACKETS", "OCTETS", "STATE"}};
};

class DetailListing : public FlowListing {
 public:
  using FlowListing::FlowListing;
  Answer answer() override { return {true, text_.empty() ? "no flow matches\n" : text_ + selection().left_out_text()}; }

 private:
  void list(const flowstore::Flow& flow, const record::Names& names) override {
    text_ += as_text(flow_json(state(), flow, names)) + "\n";
  }
  std::string text_;
};

}  // namespace

std::unique_ptr<Listing> flow_list(Exporter& exporter, const Arguments& arguments, Answer& wrong) {
  FlowFilter filter;
  const bool denied = !arguments.empty() && arguments.front() == "denied";
  if (!parse_filters(denied ? Arguments(arguments.begin() + 1, arguments.end()) : arguments, filter, wrong)) {
    return nullptr;
  }
  if (denied) return denied_list(exporter.state(), filter);
  if (filter.json) return std::make_unique<JsonListing>(exporter.state(), filter);
  return std::make_unique<TableListing>(exporter.state(), filter);
}

std::unique_ptr<Listing> flow_show(Exporter& exporter, const Arguments& arguments, Answer& wrong) {
  FlowFilter filter;
  filter.limit = show_limit;
  if (!parse_filters(arguments, filter, wrong)) return nullptr;
  if (arguments.empty()) {
    wrong = {false, fmt::format("which flow? usage: flow/show {}", flow_filter_usage)};
    return nullptr;
  }
  filter.limit = std::min(filter.limit, show_limit);
  if (filter.json) return std::make_unique<JsonListing>(exporter.state(), filter);
  return std::make_unique<DetailListing>(exporter.state(), filter);
}

}  // namespace ofe
