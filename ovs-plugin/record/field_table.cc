#include "ovs-plugin/record/field_table.h"

#include <algorithm>
#include <array>
#include <utility>

#include "flowstore/address.h"
#include "ovs-plugin/record/denied_fields.h"
#include "ovs-plugin/record/field_values.h"

namespace ofe::record {
namespace {

constexpr flowstore::Address unset{};

// As the kernel's conntrack names them, and Antrea with it; CLOSING is Open vSwitch's alone. Empty: not TCP.
std::string_view tcp_state_text(flowstore::TcpState state) {
  static constexpr std::string_view names[] = {"",           "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT",
                                               "CLOSE_WAIT", "CLOSING",  "LAST_ACK", "TIME_WAIT",   "CLOSE"};
  return names[static_cast<std::size_t>(state)];
}

using O = ipfix::RecordWriter&;
using S = const Source&;

constexpr std::array times{
    Field{"flowStartSeconds", [](O o, S s) { put_seconds(o, s.flow.start_wall_ms); }},
    Field{"flowEndSeconds", [](O o, S s) { put_seconds(o, s.flow.last_wall_ms); }},
};
// The destination is who replies: the endpoint after DNAT.
constexpr std::array ipv4_addresses{
    Field{"sourceIPv4Address", [](O o, S s) { put_ipv4(o, s.flow.original.source); }},
    Field{"destinationIPv4Address", [](O o, S s) { put_ipv4(o, s.flow.reply.source); }},
};
constexpr std::array ipv6_addresses{
    Field{"sourceIPv6Address", [](O o, S s) { o.octets(s.flow.original.source); }},
    Field{"destinationIPv6Address", [](O o, S s) { o.octets(s.flow.reply.source); }},
};
constexpr std::array ports{
    Field{"sourceTransportPort", [](O o, S s) { o.u16(s.flow.original.source_port); }},
    // ICMP has none: type × 256 + code of the original direction.
    Field{"destinationTransportPort",
          [](O o, S s) {
            const bool icmp = s.flow.original.protocol == 1 || s.flow.original.protocol == 58;
            o.u16(icmp ? s.flow.original.destination_port : s.flow.reply.source_port);
          }},
    Field{"protocolIdentifier", [](O o, S s) { o.u8(s.flow.original.protocol); }},
};
constexpr std::array counts{
    Field{"packetTotalCount", [](O o, S s) { o.u64(s.flow.total.packets); }},
    Field{"octetTotalCount", [](O o, S s) { o.u64(s.flow.total.octets); }},
    Field{"packetDeltaCount", [](O o, S s) { o.u64(s.delta.packets); }},
    Field{"octetDeltaCount", [](O o, S s) { o.u64(s.delta.octets); }},
};
constexpr std::array reverse_counts{
    Field{"reversePacketTotalCount", [](O o, S s) { o.u64(s.flow.total.reverse_packets); }},
    Field{"reverseOctetTotalCount", [](O o, S s) { o.u64(s.flow.total.reverse_octets); }},
    Field{"reversePacketDeltaCount", [](O o, S s) { o.u64(s.delta.reverse_packets); }},
    Field{"reverseOctetDeltaCount", [](O o, S s) { o.u64(s.delta.reverse_octets); }},
};
constexpr std::array cluster_ip{
    Field{"destinationClusterIP", [](O o, S s) { put_ipv4(o, s.names.service_address()); }},
};
constexpr std::array service{
    Field{"destinationServicePortName", [](O o, S s) { o.octets(s.names.service_port_name()); }},
};
constexpr std::array end_reason{
    Field{"flowEndReason", [](O o, S s) { o.u8(static_cast<std::uint8_t>(s.reason)); }},
};
constexpr std::array relative_error{
    Field{"relativeError",
          [](O o, S s) {
            const bool counted = s.flow.statistics == flowstore::Statistics::estimated;
            o.f64(double{counted ? s.flow.relative_error.percent() : unknown_error_percent});
          }},
};
constexpr auto names = endpoint_name_rows<Source>();

// What only 56506 has.
constexpr std::array service_port{
    Field{"destinationServicePort",
          [](O o, S s) { o.u16(s.names.has_service() ? s.flow.original.destination_port : std::uint16_t{0}); }},
};
// Which policies let a connection through is not known: conntrack has numbers of rules, not their names.
constexpr std::array policies{
    Field{"ingressNetworkPolicyName", [](O o, S) { o.string(""); }},
    Field{"ingressNetworkPolicyNamespace", [](O o, S) { o.string(""); }},
    Field{"ingressNetworkPolicyType", [](O o, S) { o.u8(0); }},
    Field{"ingressNetworkPolicyRuleName", [](O o, S) { o.string(""); }},
    Field{"ingressNetworkPolicyRuleAction", [](O o, S) { o.u8(0); }},
    Field{"egressNetworkPolicyName", [](O o, S) { o.string(""); }},
    Field{"egressNetworkPolicyNamespace", [](O o, S) { o.string(""); }},
    Field{"egressNetworkPolicyType", [](O o, S) { o.u8(0); }},
    Field{"egressNetworkPolicyRuleName", [](O o, S) { o.string(""); }},
    Field{"egressNetworkPolicyRuleAction", [](O o, S) { o.u8(0); }},
};
constexpr std::array state_and_type{
    Field{"tcpState", [](O o, S s) { o.string(tcp_state_text(s.flow.tcp_state)); }},
    Field{"flowType", [](O o, S s) { o.u8(static_cast<std::uint8_t>(flow_type(s.names.ends()))); }},
};
// The source as the endpoint of a Service sees it, where the Service's proxy changed it.
bool service_changed_source(S s) {
  return s.names.has_service() && s.flow.reply.destination != s.flow.original.source;
}
constexpr std::array snat_port{
    Field{"proxySnatPort",
          [](O o, S s) { o.u16(service_changed_source(s) ? s.flow.reply.destination_port : std::uint16_t{0}); }},
};
constexpr std::array ipv4_service{
    Field{"destinationClusterIPv4", [](O o, S s) { put_ipv4(o, s.names.service_address()); }},
    Field{"proxySnatIPv4", [](O o, S s) { put_ipv4(o, service_changed_source(s) ? s.flow.reply.destination : unset); }},
    Field{"destinationServiceIPv4",
          [](O o, S s) { put_ipv4(o, s.names.has_service() ? s.flow.original.destination : unset); }},
};
constexpr std::array ipv6_service{
    Field{"destinationClusterIPv6", [](O o, S s) { o.octets(s.names.service_address()); }},
    Field{"proxySnatIPv6", [](O o, S s) { o.octets(service_changed_source(s) ? s.flow.reply.destination : unset); }},
    Field{"destinationServiceIPv6",
          [](O o, S s) { o.octets(s.names.has_service() ? s.flow.original.destination : unset); }},
};

// Antrea v0.10.2's order, then flowEndReason.
constexpr auto ipv4_55829 =
    join(times, ipv4_addresses, ports, counts, reverse_counts, names, cluster_ip, service, end_reason);
// Without the cluster IP: 106 is an IPv4 type, a record of IPv6 has nowhere to put it.
constexpr auto ipv6_55829 = join(times, ipv6_addresses, ports, counts, reverse_counts, names, service, end_reason);
// The order of Antrea's main branch, without what is not known here: Egress.
constexpr auto ipv4_56506 = join(times, end_reason, ports, counts, ipv4_addresses, reverse_counts, names, service_port,
                                 service, policies, state_and_type, snat_port, ipv4_service);
constexpr auto ipv6_56506 = join(times, end_reason, ports, counts, ipv6_addresses, reverse_counts, names, service_port,
                                 service, policies, state_and_type, snat_port, ipv6_service);

constexpr auto ipv4_55829_estimated = join(ipv4_55829, relative_error);
constexpr auto ipv6_55829_estimated = join(ipv6_55829, relative_error);
constexpr auto ipv4_56506_estimated = join(ipv4_56506, relative_error);
constexpr auto ipv6_56506_estimated = join(ipv6_56506, relative_error);

// The table of a profile's template, to whom it may concern.
template <class Visit>
auto with_table(Profile profile, std::uint16_t template_id, const Visit& visit) {
  const bool old = profile == Profile::antrea_55829;
  switch (template_id) {
    case template_ipv4:
      return old ? visit.template operator()<ipv4_55829>() : visit.template operator()<ipv4_56506>();
    case template_ipv6:
      return old ? visit.template operator()<ipv6_55829>() : visit.template operator()<ipv6_56506>();
    case template_ipv4_estimated:
      return old ? visit.template operator()<ipv4_55829_estimated>()
                 : visit.template operator()<ipv4_56506_estimated>();
    default:
      return old ? visit.template operator()<ipv6_55829_estimated>()
                 : visit.template operator()<ipv6_56506_estimated>();
  }
}

}  // namespace

std::span<const Field> fields(Profile profile, std::uint16_t template_id) {
  return with_table(
      profile, template_id, []<const auto & table>() { return std::span<const Field>(table); });
}

void encode(const Source& from, ipfix::RecordWriter& out, Profile profile) {
  with_table(
      profile, template_of(from.flow), [&]<const auto & table>() { put_all<table>(out, from); });
}

bool is_flow_key(const ipfix::FieldSpecifier& field) {
  // protocolIdentifier, ports, IPv4 and IPv6 addresses, each with its prefix length.
  constexpr std::array<std::uint16_t, 11> keys = {4, 7, 11, 8, 12, 9, 13, 27, 28, 29, 30};
  return field.enterprise == 0 && std::ranges::find(keys, field.id) != keys.end();
}

std::uint16_t template_of(const flowstore::Flow& flow) {
  const bool ipv4 = flowstore::is_ipv4(flow.original.source);
  if (flow.statistics != flowstore::Statistics::exact) {
    return ipv4 ? template_ipv4_estimated : template_ipv6_estimated;
  }
  return ipv4 ? template_ipv4 : template_ipv6;
}

std::uint32_t observation_domain_of(std::string_view node_name) {
  std::uint32_t hash = 2166136261u;
  for (const char c : node_name) hash = (hash * 16777619u) ^ static_cast<std::uint8_t>(c);
  return hash;
}

}  // namespace ofe::record
