// The one field table: what a record holds in each profile, in which order, and where each value comes from. Templates
// and values are both made from it (layout.h); nothing else lists the fields.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "flowstore/flow.h"
#include "ipfix/template.h"
#include "ovs-plugin/record/encoded_names.h"
#include "ovs-plugin/record/field.h"
#include "ovs-plugin/record/flow_ports.h"

namespace ofe::record {

inline constexpr std::uint16_t template_ipv4 = 256;
inline constexpr std::uint16_t template_ipv6 = 257;
// Of flows with estimated counters, or with none (zeros that say nothing): the same and relativeError.
inline constexpr std::uint16_t template_ipv4_estimated = 260;
inline constexpr std::uint16_t template_ipv6_estimated = 261;
// An Options Template: what the enterprise elements of the others are called (ipfix/type_records.h).
inline constexpr std::uint16_t template_type_records = 262;
// Another one: which of their fields are flow keys (ipfix/flow_keys.h).
inline constexpr std::uint16_t template_flow_keys = 263;
// And what was sent and what was not (ipfix/statistics_records.h).
inline constexpr std::uint16_t template_sent_statistics = 264;
inline constexpr std::uint16_t template_not_sent_statistics = 265;

struct Source {
  const flowstore::Flow& flow;
  const flowstore::Counters& delta;
  flowstore::EndReason reason;
  const EncodedNames& names;
  const PortSearch* ports = nullptr;  // nullptr: it is not in the bridge
};
using Field = Row<Source>;

// A record's fields in template order. Those of the estimated templates end with relativeError (IANA 321, RFC 5477):
// by how many percent of itself the worst of the four totals may differ from the truth, up or down;
// unknown_error_percent where nothing counted the flow.
std::span<const Field> fields(Profile profile, std::uint16_t template_id);
inline constexpr float unknown_error_percent = 1'000'000;
inline constexpr std::array flow_templates = {template_ipv4, template_ipv6, template_ipv4_estimated,
                                              template_ipv6_estimated};

// Addresses, ports and protocol, of dropped traffic also how much of an address is known.
bool is_flow_key(const ipfix::FieldSpecifier& field);

// Which template describes this flow's records: by the family of its addresses, and whether its counters are
// estimated.
std::uint16_t template_of(const flowstore::Flow& flow);

// Encodes one Data Record. Check out.overflow() afterwards; max_record_octets is always enough.
void encode(const Source& from, ipfix::RecordWriter& out, Profile profile);
// Fixed fields (below 128 octets) and seven strings of at most 253 octets (Kubernetes names) or "ns/name:port".
inline constexpr std::size_t max_record_octets = 4096;

// RFC 7011 section 3.1's Observation Domain ID as Antrea computes it: 32-bit FNV-1 of the Node name.
std::uint32_t observation_domain_of(std::string_view node_name);

}  // namespace ofe::record
