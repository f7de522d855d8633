// Megaflows as a dump of the userspace datapath has them.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "ovs-plugin/datapath/megaflow.h"

namespace ofe::denied {

// `text` owns what the megaflow borrows.
struct DropMegaflow {
  std::string text;
  datapath::Megaflow flow;

  DropMegaflow(int ufid, const std::string& keys, std::uint64_t packets, std::uint64_t octets_l2,
               const std::string& used = "0.500s") {
    char start[64];
    std::snprintf(start, sizeof start, "ufid:00000000-0000-0000-0000-%012x, ", static_cast<unsigned>(ufid));
    text = start + keys + ", packets:" + std::to_string(packets) + ", bytes:" + std::to_string(octets_l2) +
           ", used:" + (packets == 0 ? "never" : used) + ", dp:ovs, actions:drop, dp-extra-info:miniflow_bits(4,2)";
    std::string error;
    EXPECT_TRUE(datapath::parse_megaflow(text, flow, error)) << error;
  }
};

inline const std::string probe_keys =
    "ct_state(0x21/0x31),recirc_id(0x1),in_port(p1),eth_type(0x0800),"
    "ipv4(src=10.79.0.1/0.0.0.0,dst=10.79.0.2/0.0.0.0,proto=17,frag=no),udp(src=58876/0,dst=9999)";
inline const std::string exact_keys =
    "ct_state(0x21/0x31),recirc_id(0x2),in_port(p1),eth_type(0x0800),"
    "ipv4(src=10.79.0.1,dst=10.79.0.2,proto=17,frag=no),udp(src=41810,dst=9999)";

}  // namespace ofe::denied
