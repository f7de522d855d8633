// How values are written that fields of several tables have.
#pragma once

#include <cstdint>

#include "flowstore/address.h"
#include "ipfix/record_writer.h"

namespace ofe::record {

// dateTimeSeconds is 4 octets (RFC 7011 section 6.1.7); a time before 1970 cannot be said.
inline void put_seconds(ipfix::RecordWriter& out, std::int64_t wall_ms) {
  out.u32(wall_ms <= 0 ? 0 : static_cast<std::uint32_t>(wall_ms / 1000));
}

// In 4 octets (the IPv4 elements) or 16.
inline void put_address(ipfix::RecordWriter& out, const flowstore::Address& address, bool ipv4) {
  if (ipv4) {
    out.octets(flowstore::ipv4_octets(address));
  } else {
    out.octets(address);
  }
}
inline void put_address(ipfix::RecordWriter& out, const flowstore::Address& address) {
  put_address(out, address, flowstore::is_ipv4(address));
}

}  // namespace ofe::record
