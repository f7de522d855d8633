#include "ovs-plugin/record/denied_fields.h"

#include <array>

#include "ovs-plugin/record/field_values.h"

namespace ofe::record {
namespace {

using denied::DropKind;
using ipfix::RecordWriter;

constexpr std::uint8_t firewall_event_none = 0, firewall_event_denied = 3;  // IANA element 233

// IANA element 89 (forwardingStatus, RFC 7270 section 4.12): "dropped" and why.
std::uint8_t forwarding_status(DropKind kind) {
  constexpr std::uint8_t unknown = 128, acl_drop = 130, unroutable = 131, reverse_path = 140;
  switch (kind) {
    case DropKind::policy:
      return acl_drop;
    case DropKind::table_miss:
      return unroutable;
    case DropKind::anti_spoofing:
      return reverse_path;
    default:
      return unknown;
  }
}

using S = const DeniedSource&;
using O = RecordWriter&;
constexpr auto put_source = [](O o, S s) {
  put_address(o, denied::pinned_values(s.drop.key).source, s.drop.key.is_ipv4());
};
constexpr auto put_destination = [](O o, S s) {
  put_address(o, denied::pinned_values(s.drop.key).destination, s.drop.key.is_ipv4());
};
constexpr auto put_source_length = [](O o, S s) {
  o.u8(denied::prefix_length(s.drop.key.source, s.drop.key.is_ipv4()));
};
constexpr auto put_destination_length = [](O o, S s) {
  o.u8(denied::prefix_length(s.drop.key.destination, s.drop.key.is_ipv4()));
};

constexpr auto addresses(bool ipv4) {
  return std::array{
      DeniedField{ipv4 ? "sourceIPv4Address" : "sourceIPv6Address", put_source},
      DeniedField{ipv4 ? "sourceIPv4PrefixLength" : "sourceIPv6PrefixLength", put_source_length},
      DeniedField{ipv4 ? "destinationIPv4Address" : "destinationIPv6Address", put_destination},
      DeniedField{ipv4 ? "destinationIPv4PrefixLength" : "destinationIPv6PrefixLength", put_destination_length},
  };
}
constexpr std::array times{
    DeniedField{"flowStartSeconds", [](O o, S s) { put_seconds(o, s.drop.first_wall_ms); }},
    DeniedField{"flowEndSeconds", [](O o, S s) { put_seconds(o, s.drop.last_wall_ms); }},
};
constexpr std::array ports_and_counts{
    DeniedField{"sourceTransportPort", [](O o, S s) { o.u16(denied::pinned_values(s.drop.key).source_port); }},
    DeniedField{"destinationTransportPort",
                [](O o, S s) { o.u16(denied::pinned_values(s.drop.key).destination_port); }},
    DeniedField{"protocolIdentifier", [](O o, S s) { o.u8(denied::pinned_values(s.drop.key).protocol); }},
    DeniedField{"packetTotalCount", [](O o, S s) { o.u64(s.drop.packets); }},
    DeniedField{"octetTotalCount", [](O o, S s) { o.u64(s.drop.octets); }},
    DeniedField{"packetDeltaCount", [](O o, S s) { o.u64(s.delta_packets); }},
    DeniedField{"octetDeltaCount", [](O o, S s) { o.u64(s.delta_octets); }},
};
constexpr std::array service{
    DeniedField{"destinationServicePortName", [](O o, S s) { o.octets(s.names.service_port_name()); }},
};
constexpr std::array verdict{
    DeniedField{
        "firewallEvent",
        [](O o, S s) { o.u8(s.drop.verdict.kind == DropKind::policy ? firewall_event_denied : firewall_event_none); }},
    DeniedField{"forwardingStatus", [](O o, S s) { o.u8(forwarding_status(s.drop.verdict.kind)); }},
    DeniedField{"flowEndReason", [](O o, S s) { o.u8(static_cast<std::uint8_t>(s.reason)); }},
};
constexpr auto names = endpoint_name_rows<DeniedSource>();

// What only 56506 has. A policy of the source's Pod (egress) or of the destination's (ingress) dropped it; which of the
// two is known where only one of them is here: a policy is enforced on the Node of its Pod.
constexpr std::uint8_t action_none = 0, action_drop = 2;
bool is_policys(S s) {
  return s.drop.verdict.kind == DropKind::policy;
}
bool came_from_a_pod(S s) {
  return s.names.ends().source == EndKind::pod_here;
}
bool went_to_a_pod(S s) {
  return s.names.ends().destination == EndKind::pod_here;
}
bool destination_is_known(S s) {
  return denied::prefix_length(s.drop.key.destination, false) == 128;
}
constexpr std::array service_port{
    DeniedField{"destinationServicePort",
                [](O o, S s) {
                  const std::uint16_t port = denied::pinned_values(s.drop.key).destination_port;
                  o.u16(s.names.has_service() ? port : std::uint16_t{0});
                }},
};
constexpr std::array actions_and_type{
    DeniedField{
        "ingressNetworkPolicyRuleAction",
        [](O o, S s) { o.u8(is_policys(s) && went_to_a_pod(s) && !came_from_a_pod(s) ? action_drop : action_none); }},
    DeniedField{"egressNetworkPolicyRuleAction",
                [](O o, S s) {
                  const bool egress = came_from_a_pod(s) && destination_is_known(s) && !went_to_a_pod(s);
                  o.u8(is_policys(s) && egress ? action_drop : action_none);
                }},
    DeniedField{"flowType",
                [](O o, S s) {
                  const FlowType type = destination_is_known(s) ? flow_type(s.names.ends()) : FlowType::unspecified;
                  o.u8(static_cast<std::uint8_t>(type));
                }},
};

constexpr auto ipv4_55829 = join(times, addresses(true), ports_and_counts, names, service, verdict);
constexpr auto ipv6_55829 = join(times, addresses(false), ports_and_counts, names, service, verdict);
constexpr auto ipv4_56506 =
    join(times, addresses(true), ports_and_counts, names, service_port, service, actions_and_type, verdict);
constexpr auto ipv6_56506 =
    join(times, addresses(false), ports_and_counts, names, service_port, service, actions_and_type, verdict);

}  // namespace

std::span<const DeniedField> denied_fields(Profile profile, std::uint16_t template_id) {
  const bool ipv4 = template_id == template_denied_ipv4;
  if (profile == Profile::antrea_55829) {
    return ipv4 ? std::span<const DeniedField>(ipv4_55829) : std::span<const DeniedField>(ipv6_55829);
  }
  return ipv4 ? std::span<const DeniedField>(ipv4_56506) : std::span<const DeniedField>(ipv6_56506);
}

std::uint16_t denied_template_of(const denied::Drop& drop) {
  return drop.key.is_ipv4() ? template_denied_ipv4 : template_denied_ipv6;
}

void encode(const DeniedSource& from, ipfix::RecordWriter& out, Profile profile) {
  const bool old = profile == Profile::antrea_55829;
  if (from.drop.key.is_ipv4()) return old ? put_all<ipv4_55829>(out, from) : put_all<ipv4_56506>(out, from);
  old ? put_all<ipv6_55829>(out, from) : put_all<ipv6_56506>(out, from);
}

}  // namespace ofe::record
