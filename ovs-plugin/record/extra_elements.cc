#include "ovs-plugin/record/extra_elements.h"

#include <algorithm>
#include <array>
#include <limits>

#include "ipfix/element.h"
#include "ovs-plugin/record/field_values.h"

namespace ofe::record {
namespace {

using O = ipfix::RecordWriter&;
using S = const Source&;

constexpr std::uint8_t icmp = 1, tcp = 6, udp = 17, icmpv6 = 58;

bool is_ipv4(S s) {
  return flowstore::is_ipv4(s.flow.original.source);
}

// dateTimeMilliseconds (RFC 7011 section 6.1.8).
void put_milliseconds(O o, std::int64_t wall_ms) {
  o.u64(static_cast<std::uint64_t>(std::max<std::int64_t>(wall_ms, 0)));
}

void put_duration(O o, S s) {
  constexpr std::int64_t longest = std::numeric_limits<std::uint32_t>::max();
  o.u32(static_cast<std::uint32_t>(std::clamp<std::int64_t>(s.flow.last_wall_ms - s.flow.start_wall_ms, 0, longest)));
}

void put_ipv6(O o, const flowstore::Address& address) {
  o.octets(flowstore::is_ipv4(address) ? flowstore::Address{} : address);
}

// 64-bit FNV-1a of what makes a flow the one it is: the same in all its records, also after a restart.
class FlowHash {
 public:
  void add(std::uint64_t value, int octets) {
    for (; octets > 0; --octets, value >>= 8) add_octet(static_cast<std::uint8_t>(value));
  }
  void add(const flowstore::Tuple& tuple) {
    for (const std::uint8_t octet : tuple.source) add_octet(octet);
    for (const std::uint8_t octet : tuple.destination) add_octet(octet);
    add(tuple.source_port, 2);
    add(tuple.destination_port, 2);
    add(tuple.protocol, 1);
  }
  std::uint64_t value() const { return hash_; }

 private:
  void add_octet(std::uint8_t octet) { hash_ = (hash_ ^ octet) * 1099511628211u; }
  std::uint64_t hash_ = 14695981039346656037u;
};

void put_flow_id(O o, S s) {
  FlowHash hash;
  hash.add(s.flow.original);
  hash.add(s.flow.reply);
  hash.add(static_cast<std::uint64_t>(s.flow.start_wall_ms), 8);
  hash.add(s.flow.start_ns, 4);
  o.u64(hash.value());
}

// IANA 233: the life of the connection as far as it was told before.
void put_firewall_event(O o, S s) {
  constexpr std::uint8_t created = 1, deleted = 2, updated = 5;
  o.u8(s.flow.ended ? deleted : s.flow.exports == 0 ? created : updated);
}

// What belongs to one protocol is 0 in flows of others. ICMP: tuple ports hold identifier and type × 256 + code.
void put_of(O o, S s, std::uint8_t protocol, std::uint16_t value) {
  o.u16(s.flow.original.protocol == protocol ? value : std::uint16_t{0});
}
void put_octet_of(O o, S s, std::uint8_t protocol, int value) {
  o.u8(s.flow.original.protocol == protocol ? static_cast<std::uint8_t>(value) : std::uint8_t{0});
}
std::uint16_t type_and_code(S s) {
  return s.flow.original.destination_port;
}

// TCP, UDP, SCTP: the others have none in their packets.
bool has_ports(const flowstore::Flow& flow) {
  constexpr std::uint8_t sctp = 132;
  return flow.original.protocol == tcp || flow.original.protocol == udp || flow.original.protocol == sctp;
}

void put_interface(O o, const Port* port) {
  const std::int64_t ifindex = port == nullptr ? 0 : port->ifindex;
  o.u32(ifindex > 0 && ifindex <= std::numeric_limits<std::uint32_t>::max() ? static_cast<std::uint32_t>(ifindex) : 0);
}
FlowPorts ports_of(S s) {
  return s.ports == nullptr ? FlowPorts{} : s.ports->of(s.flow);
}

constexpr std::array extra_elements{
    Field{"flowStartMilliseconds", [](O o, S s) { put_milliseconds(o, s.flow.start_wall_ms); }},
    Field{"flowEndMilliseconds", [](O o, S s) { put_milliseconds(o, s.flow.last_wall_ms); }},
    Field{"flowDurationMilliseconds", put_duration},
    Field{"flowId", put_flow_id},
    // RFC 5103 section 6.3: the source is the initiator, as conntrack's original direction begins with the first
    // packet.
    Field{"biflowDirection", [](O o, S) { o.u8(1); }},
    Field{"firewallEvent", put_firewall_event},
    Field{"ipVersion", [](O o, S s) { o.u8(is_ipv4(s) ? 4 : 6); }},
    Field{"ethernetType", [](O o, S s) { o.u16(is_ipv4(s) ? 0x0800 : 0x86dd); }},
    Field{"initiatorPackets", [](O o, S s) { o.u64(s.delta.packets); }},  // since the last record, as the registry says
    Field{"responderPackets", [](O o, S s) { o.u64(s.delta.reverse_packets); }},
    Field{"postNATSourceIPv4Address", [](O o, S s) { put_ipv4(o, s.flow.reply.destination); }},
    Field{"postNATDestinationIPv4Address", [](O o, S s) { put_ipv4(o, s.flow.reply.source); }},
    Field{"postNATSourceIPv6Address", [](O o, S s) { put_ipv6(o, s.flow.reply.destination); }},
    Field{"postNATDestinationIPv6Address", [](O o, S s) { put_ipv6(o, s.flow.reply.source); }},
    Field{"postNAPTSourceTransportPort",
          [](O o, S s) { o.u16(has_ports(s.flow) ? s.flow.reply.destination_port : 0); }},
    Field{"postNAPTDestinationTransportPort",
          [](O o, S s) { o.u16(has_ports(s.flow) ? s.flow.reply.source_port : 0); }},
    Field{"tcpSourcePort", [](O o, S s) { put_of(o, s, tcp, s.flow.original.source_port); }},
    Field{"tcpDestinationPort", [](O o, S s) { put_of(o, s, tcp, s.flow.reply.source_port); }},
    Field{"udpSourcePort", [](O o, S s) { put_of(o, s, udp, s.flow.original.source_port); }},
    Field{"udpDestinationPort", [](O o, S s) { put_of(o, s, udp, s.flow.reply.source_port); }},
    Field{"icmpTypeCodeIPv4", [](O o, S s) { put_of(o, s, icmp, type_and_code(s)); }},
    Field{"icmpTypeCodeIPv6", [](O o, S s) { put_of(o, s, icmpv6, type_and_code(s)); }},
    Field{"icmpTypeIPv4", [](O o, S s) { put_octet_of(o, s, icmp, type_and_code(s) >> 8); }},
    Field{"icmpCodeIPv4", [](O o, S s) { put_octet_of(o, s, icmp, type_and_code(s)); }},
    Field{"icmpTypeIPv6", [](O o, S s) { put_octet_of(o, s, icmpv6, type_and_code(s) >> 8); }},
    Field{"icmpCodeIPv6", [](O o, S s) { put_octet_of(o, s, icmpv6, type_and_code(s)); }},
    // The kernel's ifindex of the bridge's ports that the flow comes in and leaves by, as far as addresses tell.
    Field{"ingressInterface", [](O o, S s) { put_interface(o, ports_of(s).ingress); }},
    Field{"egressInterface", [](O o, S s) { put_interface(o, ports_of(s).egress); }},
};

bool is_in_every_record(std::string_view name) {
  return std::ranges::any_of(flow_templates, [&](std::uint16_t id) {
    const auto rows = fields(Profile::antrea_55829, id);
    return std::ranges::any_of(rows, [&](const Field& field) { return name == field.element; });
  });
}

}  // namespace

const Field* extra_element(std::string_view name) {
  const auto* found = std::ranges::find(extra_elements, name, &Field::element);
  return found == extra_elements.end() ? nullptr : found;
}

std::vector<std::string_view> extra_element_names() {
  std::vector<std::string_view> names;
  for (const Field& field : extra_elements) names.emplace_back(field.element);
  return names;
}

std::string why_not_extra(std::string_view name) {
  if (ipfix::Registry::builtin().find(0, name) == nullptr) return "";
  if (is_in_every_record(name)) return "is in the records as it is";
  if (name == "initiatorOctets" || name == "responderOctets") {
    return "cannot be filled: it counts the payload of layer 4, and connection tracking counts octets of IP packets";
  }
  return "is an element of IANA's that cannot be filled from what is known of a connection";
}

}  // namespace ofe::record
