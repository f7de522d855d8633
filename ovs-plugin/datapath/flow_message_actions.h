// The actions of a flow of the kernel datapath (OVS_ACTION_ATTR_* of linux/openvswitch.h).
#pragma once

#include "ovs-plugin/datapath/flow_message.h"

namespace ofe::datapath {

// Fills drop, recircs, ct and outputs. False: cut short, of the wrong length, or nested too deeply. No
// action at all is a drop.
bool read_action_attributes(netlink::Octets actions, PortNames& ports, Megaflow& out);

}  // namespace ofe::datapath
