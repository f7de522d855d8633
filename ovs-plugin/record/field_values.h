// How values are written that fields of several tables have.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "flowstore/address.h"
#include "ipfix/record_writer.h"
#include "ovs-plugin/record/encoded_names.h"
#include "ovs-plugin/record/field.h"

namespace ofe::record {

// dateTimeSeconds is 4 octets (RFC 7011 section 6.1.7); a time before 1970 cannot be said.
inline void put_seconds(ipfix::RecordWriter& out, std::int64_t wall_ms) {
  out.u32(wall_ms <= 0 ? 0 : static_cast<std::uint32_t>(wall_ms / 1000));
}

// In 4 octets; one that is not of IPv4 is unset.
inline void put_ipv4(ipfix::RecordWriter& out, const flowstore::Address& address) {
  out.octets(flowstore::is_ipv4(address) ? flowstore::ipv4_octets(address) : std::array<std::uint8_t, 4>{});
}

// In 4 octets (the IPv4 elements) or 16.
inline void put_address(ipfix::RecordWriter& out, const flowstore::Address& address, bool ipv4) {
  if (ipv4) {
    out.octets(flowstore::ipv4_octets(address));
  } else {
    out.octets(address);
  }
}

// What the endpoints are called, of a From that has `names`.
template <class From>
constexpr auto endpoint_name_rows() {
  std::array<Row<From>, endpoint_names.size()> rows{};
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].element = endpoint_names[i].element;
  rows[0].put = [](ipfix::RecordWriter& out, const From& from) { out.octets(from.names.endpoints()); };
  return rows;
}

}  // namespace ofe::record
