// The field table of dropped traffic: templates of their own, as such a record knows one direction only and of its
// addresses perhaps a prefix.
//
// What the datapath did not look at is a wildcard, and is said so: an address has its prefix length (0: any address),
// a port or protocol that is not pinned is 0, which neither TCP, UDP nor SCTP use as a port on the wire. ICMP:
// destinationTransportPort is type × 256 + code, as in the records of connections.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "flowstore/flow.h"
#include "ipfix/template.h"
#include "ovs-plugin/denied/table.h"
#include "ovs-plugin/record/encoded_names.h"
#include "ovs-plugin/record/field.h"

namespace ofe::record {

inline constexpr std::uint16_t template_denied_ipv4 = 258;
inline constexpr std::uint16_t template_denied_ipv6 = 259;

struct DeniedSource {
  const denied::Drop& drop;
  std::uint64_t delta_packets = 0, delta_octets = 0;
  flowstore::EndReason reason;
  const EncodedNames& names;
};
using DeniedField = Row<DeniedSource>;

std::span<const DeniedField> denied_fields(Profile profile, std::uint16_t template_id);
inline constexpr std::array denied_templates = {template_denied_ipv4, template_denied_ipv6};
// By the family of what was dropped, which is one of IP.
std::uint16_t denied_template_of(const denied::Drop& drop);
// One Data Record; record::max_record_octets is always enough.
void encode(const DeniedSource& from, ipfix::RecordWriter& out, Profile profile);

}  // namespace ofe::record
