#include "ovs-plugin/record/field_table.h"

#include <algorithm>
#include <array>
#include <utility>

#include "flowstore/address.h"
#include "ovs-plugin/record/denied_fields.h"
#include "ovs-plugin/record/field_values.h"
#include "ovs-plugin/record/template_from.h"

namespace ofe::record {
namespace {

using ipfix::RecordWriter;

constexpr auto put_start = [](RecordWriter& o, const Source& s) { put_seconds(o, s.flow.start_wall_ms); };
constexpr auto put_end = [](RecordWriter& o, const Source& s) { put_seconds(o, s.flow.last_wall_ms); };
constexpr auto put_source = [](RecordWriter& o, const Source& s) { put_address(o, s.flow.original.source); };
constexpr auto put_destination = [](RecordWriter& o, const Source& s) { put_address(o, s.flow.reply.source); };
constexpr auto put_cluster_ip = [](RecordWriter& o, const Source& s) {
  static constexpr std::array<std::uint8_t, 4> unset{};
  if (flowstore::is_ipv4(s.names.service_address)) {
    put_address(o, s.names.service_address);
  } else {
    o.octets(unset);
  }
};

// Everything but the addresses, which differ by family.
constexpr Field start{"flowStartSeconds", 0, put_start};
constexpr Field end{"flowEndSeconds", 0, put_end};
constexpr std::array common{
    Field{"sourceTransportPort", 0, [](RecordWriter& o, const Source& s) { o.u16(s.flow.original.source_port); }},
    // The endpoint's port after DNAT. ICMP has none: type × 256 + code of the original direction.
    Field{"destinationTransportPort", 0,
          [](RecordWriter& o, const Source& s) {
            const bool icmp = s.flow.original.protocol == 1 || s.flow.original.protocol == 58;
            o.u16(icmp ? s.flow.original.destination_port : s.flow.reply.source_port);
          }},
    Field{"protocolIdentifier", 0, [](RecordWriter& o, const Source& s) { o.u8(s.flow.original.protocol); }},
    Field{"packetTotalCount", 0, [](RecordWriter& o, const Source& s) { o.u64(s.flow.total.packets); }},
    Field{"octetTotalCount", 0, [](RecordWriter& o, const Source& s) { o.u64(s.flow.total.octets); }},
    Field{"packetDeltaCount", 0, [](RecordWriter& o, const Source& s) { o.u64(s.delta.packets); }},
    Field{"octetDeltaCount", 0, [](RecordWriter& o, const Source& s) { o.u64(s.delta.octets); }},
    Field{"reversePacketTotalCount", 0, [](RecordWriter& o, const Source& s) { o.u64(s.flow.total.reverse_packets); }},
    Field{"reverseOctetTotalCount", 0, [](RecordWriter& o, const Source& s) { o.u64(s.flow.total.reverse_octets); }},
    Field{"reversePacketDeltaCount", 0, [](RecordWriter& o, const Source& s) { o.u64(s.delta.reverse_packets); }},
    Field{"reverseOctetDeltaCount", 0, [](RecordWriter& o, const Source& s) { o.u64(s.delta.reverse_octets); }},
    Field{"sourcePodName", 0, [](RecordWriter& o, const Source& s) { o.string(s.names.source_pod); }},
    Field{"sourcePodNamespace", 0, [](RecordWriter& o, const Source& s) { o.string(s.names.source_namespace); }},
    Field{"sourceNodeName", 0, [](RecordWriter& o, const Source& s) { o.string(s.names.source_node); }},
    Field{"destinationPodName", 0, [](RecordWriter& o, const Source& s) { o.string(s.names.destination_pod); }},
    Field{"destinationPodNamespace", 0,
          [](RecordWriter& o, const Source& s) { o.string(s.names.destination_namespace); }},
    Field{"destinationNodeName", 0, [](RecordWriter& o, const Source& s) { o.string(s.names.destination_node); }},
};
constexpr Field cluster_ip{"destinationClusterIP", 0, put_cluster_ip};
constexpr std::array last{
    Field{"destinationServicePortName", 0,
          [](RecordWriter& o, const Source& s) { o.string(s.names.service_port_name); }},
    Field{"flowEndReason", 0, [](RecordWriter& o, const Source& s) { o.u8(static_cast<std::uint8_t>(s.reason)); }},
};

constexpr Field relative_error{"relativeError", 0, [](RecordWriter& o, const Source& s) {
                                 const bool counted = s.flow.statistics == flowstore::Statistics::estimated;
                                 o.f64(double{counted ? s.flow.relative_error.percent() : unknown_error_percent});
                               }};

template <std::size_t N>
constexpr auto table(bool ipv4, bool estimated) {
  std::array<Field, N> fields{};
  std::size_t n = 0;
  fields[n++] = start;
  fields[n++] = end;
  fields[n++] = {ipv4 ? "sourceIPv4Address" : "sourceIPv6Address", 0, put_source};
  fields[n++] = {ipv4 ? "destinationIPv4Address" : "destinationIPv6Address", 0, put_destination};
  for (const Field& field : common) fields[n++] = field;
  if (ipv4) fields[n++] = cluster_ip;  // 106 is an IPv4 type; a record of IPv6 has nowhere to put it
  for (const Field& field : last) fields[n++] = field;
  if (estimated) fields[n++] = relative_error;
  return fields;
}
constexpr std::size_t ipv6_size = 4 + common.size() + last.size(), ipv4_size = ipv6_size + 1;
constexpr auto ipv4_fields = table<ipv4_size>(true, false);
constexpr auto ipv6_fields = table<ipv6_size>(false, false);
constexpr auto ipv4_estimated = table<ipv4_size + 1>(true, true);
constexpr auto ipv6_estimated = table<ipv6_size + 1>(false, true);

}  // namespace

std::span<const Field> fields_ipv4() {
  return ipv4_fields;
}
std::span<const Field> fields_ipv6() {
  return ipv6_fields;
}
std::span<const Field> fields_ipv4_estimated() {
  return ipv4_estimated;
}
std::span<const Field> fields_ipv6_estimated() {
  return ipv6_estimated;
}

std::vector<ipfix::Template> templates() {
  std::vector<ipfix::Template> all = {template_from(template_ipv4, std::span<const Field>(ipv4_fields)),
                                      template_from(template_ipv6, std::span<const Field>(ipv6_fields)),
                                      template_from(template_ipv4_estimated, std::span<const Field>(ipv4_estimated)),
                                      template_from(template_ipv6_estimated, std::span<const Field>(ipv6_estimated))};
  for (ipfix::Template& of_denied : denied_templates()) all.push_back(std::move(of_denied));
  return all;
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

void encode(const Source& from, ipfix::RecordWriter& out) {
  const bool ipv4 = flowstore::is_ipv4(from.flow.original.source);
  for (const Field& field : ipv4 ? fields_ipv4() : fields_ipv6()) field.put(out, from);
  if (from.flow.statistics != flowstore::Statistics::exact) relative_error.put(out, from);  // its last field
}

std::uint32_t observation_domain_of(std::string_view node_name) {
  std::uint32_t hash = 2166136261u;
  for (const char c : node_name) hash = (hash * 16777619u) ^ static_cast<std::uint8_t>(c);
  return hash;
}

}  // namespace ofe::record
