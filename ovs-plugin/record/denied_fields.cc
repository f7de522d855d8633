#include "ovs-plugin/record/denied_fields.h"

#include <array>

#include "ovs-plugin/record/field_values.h"
#include "ovs-plugin/record/template_from.h"

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

constexpr auto table(bool ipv4) {
  return std::array{
      DeniedField{"flowStartSeconds", 0, [](O o, S s) { put_seconds(o, s.drop.first_wall_ms); }},
      DeniedField{"flowEndSeconds", 0, [](O o, S s) { put_seconds(o, s.drop.last_wall_ms); }},
      DeniedField{ipv4 ? "sourceIPv4Address" : "sourceIPv6Address", 0, put_source},
      DeniedField{ipv4 ? "sourceIPv4PrefixLength" : "sourceIPv6PrefixLength", 0, put_source_length},
      DeniedField{ipv4 ? "destinationIPv4Address" : "destinationIPv6Address", 0, put_destination},
      DeniedField{ipv4 ? "destinationIPv4PrefixLength" : "destinationIPv6PrefixLength", 0, put_destination_length},
      DeniedField{"sourceTransportPort", 0, [](O o, S s) { o.u16(denied::pinned_values(s.drop.key).source_port); }},
      DeniedField{"destinationTransportPort", 0,
                  [](O o, S s) { o.u16(denied::pinned_values(s.drop.key).destination_port); }},
      DeniedField{"protocolIdentifier", 0, [](O o, S s) { o.u8(denied::pinned_values(s.drop.key).protocol); }},
      DeniedField{"packetTotalCount", 0, [](O o, S s) { o.u64(s.drop.packets); }},
      DeniedField{"octetTotalCount", 0, [](O o, S s) { o.u64(s.drop.octets); }},
      DeniedField{"packetDeltaCount", 0, [](O o, S s) { o.u64(s.delta_packets); }},
      DeniedField{"octetDeltaCount", 0, [](O o, S s) { o.u64(s.delta_octets); }},
      DeniedField{"sourcePodName", 0, [](O o, S s) { o.string(s.names.source_pod); }},
      DeniedField{"sourcePodNamespace", 0, [](O o, S s) { o.string(s.names.source_namespace); }},
      DeniedField{"sourceNodeName", 0, [](O o, S s) { o.string(s.names.source_node); }},
      DeniedField{"destinationPodName", 0, [](O o, S s) { o.string(s.names.destination_pod); }},
      DeniedField{"destinationPodNamespace", 0, [](O o, S s) { o.string(s.names.destination_namespace); }},
      DeniedField{"destinationNodeName", 0, [](O o, S s) { o.string(s.names.destination_node); }},
      DeniedField{"destinationServicePortName", 0, [](O o, S s) { o.string(s.names.service_port_name); }},
      DeniedField{"firewallEvent", 0,
                  [](O o, S s) {
                    o.u8(s.drop.verdict.kind == DropKind::policy ? firewall_event_denied : firewall_event_none);
                  }},
      DeniedField{"forwardingStatus", 0, [](O o, S s) { o.u8(forwarding_status(s.drop.verdict.kind)); }},
      DeniedField{"flowEndReason", 0, [](O o, S s) { o.u8(static_cast<std::uint8_t>(s.reason)); }},
  };
}
constexpr auto ipv4_fields = table(true);
constexpr auto ipv6_fields = table(false);

}  // namespace

std::span<const DeniedField> denied_fields_ipv4() {
  return ipv4_fields;
}
std::span<const DeniedField> denied_fields_ipv6() {
  return ipv6_fields;
}

std::vector<ipfix::Template> denied_templates() {
  return {template_from(template_denied_ipv4, denied_fields_ipv4()),
          template_from(template_denied_ipv6, denied_fields_ipv6())};
}

std::uint16_t denied_template_of(const denied::Drop& drop) {
  return drop.key.is_ipv4() ? template_denied_ipv4 : template_denied_ipv6;
}

void encode(const DeniedSource& from, ipfix::RecordWriter& out) {
  for (const DeniedField& field : from.drop.key.is_ipv4() ? denied_fields_ipv4() : denied_fields_ipv6()) {
    field.put(out, from);
  }
}

}  // namespace ofe::record
