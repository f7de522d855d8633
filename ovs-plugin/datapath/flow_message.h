// Flows of the kernel datapath as generic netlink carries them (linux/openvswitch.h, OVS_FLOW_FAMILY), into the same
// struct as the userspace datapath's lines.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "ovs-plugin/datapath/megaflow.h"
#include "ovs-plugin/netlink/attributes.h"

namespace ofe::datapath {

// Names of the datapath's ports, by their numbers there; the number in decimal where no name is known. What it returned
// stays valid as long as it lives, or until the port gets another name.
class PortNames {
 public:
  void set(std::uint32_t number, std::string name) { names_[number] = std::move(name); }
  std::string_view of(std::uint32_t number) {
    const auto [at, added] = names_.try_emplace(number);
    if (added) at->second = std::to_string(number);
    return at->second;
  }

 private:
  std::map<std::uint32_t, std::string> names_;
};

// attributes: those of one OVS_FLOW_CMD_NEW message, after struct ovs_header. now_ms: monotonic, the clock of
// OVS_FLOW_ATTR_USED. False: the attributes are cut short or of the wrong length, or there is no key. Keys and actions
// that are not known are skipped. A key without its mask means a flow that matches it exactly only where the message
// has no masks at all.
bool decode_flow(netlink::Octets attributes, std::int64_t now_ms, PortNames& ports, Megaflow& out);

}  // namespace ofe::datapath
