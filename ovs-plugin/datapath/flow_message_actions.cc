#include "ovs-plugin/datapath/flow_message_actions.h"

#include <linux/openvswitch.h>

#include <cstring>

namespace ofe::datapath {
namespace {

using netlink::Attribute;
using netlink::each_attribute;
using netlink::Octets;

constexpr int max_nesting = 16;                    // net/openvswitch/flow_netlink.c: SAMPLE and CLONE in each other
constexpr std::uint16_t explicit_drop = 24;        // OVS_ACTION_ATTR_DROP, since Linux 6.7: u32, why
constexpr std::uint16_t clone_execution_hint = 0;  // OVS_CLONE_ATTR_EXEC, a u32 of the kernel's own before the actions

bool read_number(const Attribute& from, std::uint32_t& to) {
  if (from.value.size() != sizeof to) return false;
  std::memcpy(&to, from.value.data(), sizeof to);
  return true;
}

bool read_conntrack(Octets parameters, Megaflow& out) {
  CtAction& action = out.ct.emplace_back();
  return each_attribute(parameters, [&](const Attribute& a) {
    if (a.type == OVS_CT_ATTR_COMMIT || a.type == OVS_CT_ATTR_FORCE_COMMIT) action.commit = true;
    if (a.type == OVS_CT_ATTR_NAT) action.nat = true;
    if (a.type != OVS_CT_ATTR_ZONE) return true;
    if (a.value.size() != sizeof action.zone) return false;
    std::memcpy(&action.zone, a.value.data(), sizeof action.zone);
    return true;
  });
}

bool read_list(Octets actions, PortNames& ports, Megaflow& out, int nesting);

// SAMPLE and CHECK_PKT_LEN: lists of actions among other parameters.
bool read_branches(Octets parameters, std::uint16_t first, std::uint16_t last, PortNames& ports, Megaflow& out,
                   int nesting) {
  return each_attribute(parameters, [&](const Attribute& a) {
    return a.type < first || a.type > last || read_list(a.value, ports, out, nesting + 1);
  });
}

bool read_action(const Attribute& a, PortNames& ports, Megaflow& out, int nesting) {
  std::uint32_t number = 0;
  switch (a.type) {
    case OVS_ACTION_ATTR_OUTPUT:
      if (!read_number(a, number)) return false;
      out.outputs.push_back(ports.of(number));
      return true;
    case OVS_ACTION_ATTR_RECIRC:
      if (!read_number(a, number)) return false;
      out.recircs.push_back(number);
      return true;
    case OVS_ACTION_ATTR_CT:
      return read_conntrack(a.value, out);
    case OVS_ACTION_ATTR_CLONE:
      return read_list(a.value, ports, out, nesting + 1);
    case OVS_ACTION_ATTR_SAMPLE:
      return read_branches(a.value, OVS_SAMPLE_ATTR_ACTIONS, OVS_SAMPLE_ATTR_ACTIONS, ports, out, nesting);
    case OVS_ACTION_ATTR_CHECK_PKT_LEN:
      return read_branches(a.value, OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_GREATER,
                           OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_LESS_EQUAL, ports, out, nesting);
    case explicit_drop:
      if (nesting == 0) out.drop = out.outputs.empty();
      return true;
    default:
      return true;
  }
}

bool read_list(Octets actions, PortNames& ports, Megaflow& out, int nesting) {
  if (nesting > max_nesting) return false;
  return each_attribute(actions, [&](const Attribute& a) {
    if (a.type == clone_execution_hint) return true;
    return read_action(a, ports, out, nesting);
  });
}

}  // namespace

bool read_action_attributes(Octets actions, PortNames& ports, Megaflow& out) {
  out.drop = actions.empty();
  return read_list(actions, ports, out, 0);
}

}  // namespace ofe::datapath
