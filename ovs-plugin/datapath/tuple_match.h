// What a datapath flow matches of a packet, as far as a connection's tuple tells: addresses, protocol and ports, or
// type and code of ICMP, each with its mask. What no tuple has is left out: input port, Ethernet addresses, TCP flags,
// TTL, connection state. So of two flows that differ only there both may carry a packet of the tuple.
#pragma once

#include <cstdint>
#include <utility>

#include "flowstore/flow.h"
#include "ovs-plugin/datapath/megaflow.h"

namespace ofe::datapath {

struct TupleMatch {
  flowstore::Tuple value, mask;  // mask: bits that are compared; the value's others are zero
  std::uint8_t family = 0;       // 4, 6; 0: either

  friend bool operator==(const TupleMatch&, const TupleMatch&) = default;
};

// False: no IP packet matches (ARP, for one).
bool tuple_match(const Megaflow& flow, TupleMatch& out);

// Every bit of the tuple of a TCP, UDP or SCTP connection is compared. The identifier of ICMP is no key of OVS's, and
// later fragments have no ports: such flows pin nothing.
bool pins(const TupleMatch& match);

flowstore::Tuple masked(const flowstore::Tuple& tuple, const flowstore::Tuple& mask);
std::uint8_t family_of(const flowstore::Tuple& tuple);
bool matches(const TupleMatch& match, const flowstore::Tuple& tuple);

}  // namespace ofe::datapath
