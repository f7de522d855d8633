// The field table of dropped traffic: templates of their own, as such a record knows one direction only and of its
// addresses perhaps a prefix.
//
// What the datapath did not look at is a wildcard, and is said so: an address has its prefix length (0: any address),
// a port or protocol that is not pinned is 0, which neither TCP, UDP nor SCTP use as a port on the wire. ICMP:
// destinationTransportPort is type × 256 + code, as in the records of connections.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "flowstore/flow.h"
#include "ipfix/record_writer.h"
#include "ipfix/template.h"
#include "ovs-plugin/denied/table.h"
#include "ovs-plugin/record/names.h"

namespace ofe::record {

inline constexpr std::uint16_t template_denied_ipv4 = 258;
inline constexpr std::uint16_t template_denied_ipv6 = 259;

struct DeniedSource {
  const denied::Drop& drop;
  std::uint64_t delta_packets = 0, delta_octets = 0;
  flowstore::EndReason reason;
  const Names& names;
};

struct DeniedField {
  const char* element;   // name in the registry
  std::uint16_t length;  // octets; 0: the element's own
  void (*put)(ipfix::RecordWriter& out, const DeniedSource& from);
};

std::span<const DeniedField> denied_fields_ipv4();
std::span<const DeniedField> denied_fields_ipv6();
std::vector<ipfix::Template> denied_templates();
// By the family of what was dropped, which is one of IP.
std::uint16_t denied_template_of(const denied::Drop& drop);
// One Data Record; record::max_record_octets is always enough.
void encode(const DeniedSource& from, ipfix::RecordWriter& out);

}  // namespace ofe::record
