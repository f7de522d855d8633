// The one field table: what a record holds, in which order, and where each value comes from. Templates and values are
// both made from it; nothing else lists the fields.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "flowstore/flow.h"
#include "flowstore/store.h"
#include "ipfix/record_writer.h"
#include "ipfix/template.h"
#include "ovs-plugin/record/names.h"

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
  const Names& names;
};

struct Field {
  const char* element;  // name in the registry
  // Octets in the record; 0: the element's own size (variable for strings).
  std::uint16_t length;
  void (*put)(ipfix::RecordWriter& out, const Source& from);
};

// Fields of a record of this family, in template order (Antrea v0.10.2's, then flowEndReason).
std::span<const Field> fields_ipv4();
std::span<const Field> fields_ipv6();
// Those and relativeError (IANA 321, RFC 5477): by how many percent of itself the worst of the four totals may differ
// from the truth, up or down; unknown_error_percent where nothing counted the flow.
inline constexpr float unknown_error_percent = 1'000'000;
std::span<const Field> fields_ipv4_estimated();
std::span<const Field> fields_ipv6_estimated();

// Every template, those of dropped traffic (denied_fields.h) last, from the tables and the built-in registry. A name
// the registry lacks is a bug and aborts.
std::vector<ipfix::Template> templates();

// Addresses, ports and protocol, of dropped traffic also how much of an address is known.
bool is_flow_key(const ipfix::FieldSpecifier& field);

// Which template describes this flow's records: by the family of its addresses, and whether its counters are
// estimated.
std::uint16_t template_of(const flowstore::Flow& flow);

// Encodes one Data Record. Check out.overflow() afterwards; max_record_octets is always enough.
void encode(const Source& from, ipfix::RecordWriter& out);
// Fixed fields (below 128 octets) and seven strings of at most 253 octets (Kubernetes names) or "ns/name:port".
inline constexpr std::size_t max_record_octets = 4096;

// RFC 7011 section 3.1's Observation Domain ID as Antrea computes it: 32-bit FNV-1 of the Node name.
std::uint32_t observation_domain_of(std::string_view node_name);

}  // namespace ofe::record
