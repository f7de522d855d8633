// Datapath flows as `ovs-appctl dpctl/dump-flows -m` prints them (lib/odp-util.c: odp_flow_format,
// lib/dpctl.c: format_dpif_flow). Only masked bits mean anything: what stands under a zero mask is the first packet's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "flowstore/flow.h"

namespace ofe::datapath {

using Ufid = std::array<std::uint8_t, 16>;

// "67853e8b-b498-4c47-9c72-02fe68086ad1".
std::string ufid_text(const Ufid& ufid);

// Value and mask; the value's unmasked bits are cleared.
template <class T>
struct Masked {
  T value{};
  T mask{};

  friend bool operator==(const Masked&, const Masked&) = default;
};

struct CtAction {
  std::uint16_t zone = 0;
  bool commit = false;
  bool nat = false;
};

inline constexpr std::uint8_t first_fragment = 1, later_fragment = 2;

struct Megaflow {
  Ufid ufid{};
  bool has_ufid = false;
  std::string_view keys;  // the match as printed, without what follows it (packets:…); borrowed
  std::uint32_t recirc_id = 0;
  std::string_view in_port;    // name or number, as printed; borrowed from the line or from PortNames
  std::uint16_t eth_type = 0;  // 0x0800, 0x86dd, …; 0: not matched
  bool vlan = false;           // frames carry a tag (4 octets more of L2)
  // v4-mapped; an exact IPv4 address has a mask of 16 × 0xff, a wildcarded one of 12 (::ffff:0:0/96, "any IPv4
  // address").
  Masked<flowstore::Address> source, destination;
  Masked<std::uint8_t> protocol;
  Masked<std::uint16_t> source_port, destination_port;  // TCP, UDP, SCTP
  Masked<std::uint8_t> icmp_type, icmp_code;
  std::uint8_t fragment = 0;  // 0: frag=no or unmatched, first_fragment, later_fragment
  std::uint64_t packets = 0, octets_l2 = 0;
  std::int64_t used_ms_ago = -1;  // -1: never
  bool offloaded = false;         // its packets pass in hardware (offloaded:yes)
  bool in_tc = false;             // it is a filter of the kernel's traffic control (dp:tc), not of the datapath
  bool drop = false;              // actions:drop, with nothing sent out before it
  // recirc(0x…) in the actions; in this and the lists below those inside clone(), sample() and check_pkt_len() are
  // included, in the order of the line.
  std::vector<std::uint32_t> recircs;
  std::vector<CtAction> ct;
  std::vector<std::string_view> outputs;  // ports the packet leaves by, tunnel ports of tnl_push() included; borrowed
};

// As newly made, but with the memory of its lists.
void reset(Megaflow& flow);

// False: the line is no flow and error says what was expected where. Unknown keys and actions are skipped. Header lines
// ("flow-dump from …") and blank lines are is_flow_line() == false.
bool is_flow_line(std::string_view line);
bool parse_megaflow(std::string_view line, Megaflow& out, std::string& error);

// Octets of the IP packets: L2 less the Ethernet header of each (14, 18 with a tag). OVS and network cards count
// frames; the kernel's traffic control counts IP packets by itself (OVS: tests/system-offloads-traffic.at, 756 octets
// for what the datapath counts as 882), so that of a tc flow in hardware what passed in software is up to 14 octets a
// packet low.
std::uint64_t octets_l3(const Megaflow& flow);

}  // namespace ofe::datapath
