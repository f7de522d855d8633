#include "ovs-plugin/exporter/flow_filter.h"

#include <charconv>

namespace ofe {
namespace {

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

template <class Value>
bool take(std::optional<Value>& to, std::optional<Value> parsed) {
  if (parsed) to = parsed;
  return parsed.has_value();
}

bool named(const std::string& wanted, const std::string& name_space, const std::string& name) {
  const std::size_t slash = wanted.find('/');
  if (slash == std::string::npos) return wanted == name;
  return wanted.substr(0, slash) == name_space && wanted.substr(slash + 1) == name;
}

bool service_named(const std::string& wanted, const std::string& service_port_name) {
  const std::string_view whole = service_port_name;
  const std::string_view service = whole.substr(0, whole.find(':'));
  return !whole.empty() && (whole == wanted || service == wanted || service.substr(service.find('/') + 1) == wanted);
}

struct Protocol {
  const char* name;
  std::uint8_t number;
};
constexpr Protocol protocols[] = {{"icmp", 1}, {"igmp", 2}, {"tcp", 6}, {"udp", 17}, {"icmpv6", 58}, {"sctp", 132}};

}  // namespace

const char* const flow_filter_usage =
    "[src=PREFIX] [dst=PREFIX] [ip=PREFIX] [sport=N] [dport=N] [port=N] [proto=NAME|N] [zone=N] "
    "[pod=[NAMESPACE/]NAME] [service=[NAMESPACE/]NAME] [state=live|ended] [limit=N] [--json]";

std::string protocol_name(std::uint8_t protocol) {
  for (const Protocol& known : protocols) {
    if (known.number == protocol) return known.name;
  }
  return std::to_string(protocol);
}

std::optional<std::uint8_t> protocol_number(std::string_view text) {
  for (const Protocol& known : protocols) {
    if (text == known.name) return known.number;
  }
  return number<std::uint8_t>(text);
}

const char* tcp_state_name(flowstore::TcpState state) {
  static constexpr const char* names[] = {"",           "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT",
                                          "CLOSE_WAIT", "CLOSING",  "LAST_ACK", "TIME_WAIT",   "CLOSED"};
  return names[static_cast<std::size_t>(state)];
}

const char* statistics_name(flowstore::Statistics statistics) {
  static constexpr const char* names[] = {"none", "exact", "estimated"};
  return names[static_cast<std::size_t>(statistics)];
}

bool FlowFilter::takes_all() const {
  const bool conditions = source || destination || either || source_port || destination_port || port || protocol ||
                          zone || ended || !pod.empty() || !service.empty();
  return !conditions;
}

bool FlowFilter::matches(const flowstore::Flow& flow, const record::Names& names) const {
  const auto& [original, reply] = std::tie(flow.original, flow.reply);
  const auto to = [&](const flowstore::Prefix& p) {
    return p.contains(original.destination) || p.contains(reply.source);
  };
  const auto to_port = [&](std::uint16_t p) { return original.destination_port == p || reply.source_port == p; };
  if (source && !source->contains(original.source)) return false;
  if (destination && !to(*destination)) return false;
  if (either && !either->contains(original.source) && !to(*either)) return false;
  if (source_port && original.source_port != *source_port) return false;
  if (destination_port && !to_port(*destination_port)) return false;
  if (port && original.source_port != *port && !to_port(*port)) return false;
  if (protocol && original.protocol != *protocol) return false;
  if (zone && flow.zone != *zone) return false;
  if (ended && flow.ended != *ended) return false;
  if (!pod.empty() && !named(pod, names.source_namespace, names.source_pod) &&
      !named(pod, names.destination_namespace, names.destination_pod)) {
    return false;
  }
  return service.empty() || service_named(service, names.service_port_name);
}

bool add_filter(std::string_view argument, FlowFilter& filter, std::string& error) {
  if (argument == "--json") {
    filter.json = true;
    return true;
  }
  const std::size_t equals = argument.find('=');
  const std::string_view key = argument.substr(0, equals);
  const std::string_view value = equals == std::string_view::npos ? std::string_view() : argument.substr(equals + 1);
  bool good = false;
  const char* allowed = nullptr;
  if (key == "src" || key == "dst" || key == "ip") {
    auto& to = key == "src" ? filter.source : key == "dst" ? filter.destination : filter.either;
    good = take(to, flowstore::parse_prefix(value));
    allowed = "an address or a prefix such as 10.10.0.0/24";
  } else if (key == "sport" || key == "dport" || key == "port") {
    auto& to = key == "sport" ? filter.source_port : key == "dport" ? filter.destination_port : filter.port;
    good = take(to, number<std::uint16_t>(value));
    allowed = "a port number, 0 to 65535";
  } else if (key == "proto") {
    good = take(filter.protocol, protocol_number(value));
    allowed = "tcp, udp, sctp, icmp, icmpv6 or a protocol number, 0 to 255";
  } else if (key == "zone") {
    good = take(filter.zone, number<std::uint16_t>(value));
    allowed = "a conntrack zone, 0 to 65535";
  } else if (key == "pod" || key == "service") {
    (key == "pod" ? filter.pod : filter.service) = std::string(value);
    good = !value.empty();
    allowed = "NAME or NAMESPACE/NAME";
  } else if (key == "state") {
    good = value == "live" || value == "ended";
    filter.ended = value == "ended";
    allowed = "live or ended";
  } else if (key == "limit") {
    const auto limit = number<std::size_t>(value);
    good = limit && *limit >= 1 && *limit <= 100'000;
    filter.limit = limit.value_or(filter.limit);
    allowed = "a number, 1 to 100000";
  }
  if (allowed == nullptr) {
    error = "unknown filter \"" + std::string(argument) + "\"; usage: " + flow_filter_usage;
  } else if (!good) {
    error = std::string(key) + "=\"" + std::string(value) + "\": allowed is " + allowed;
  }
  return good;
}

}  // namespace ofe
