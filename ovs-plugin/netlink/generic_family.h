// Generic netlink families, whose message types are given out as they register (linux/genetlink.h, CTRL_CMD_GETFAMILY).
#pragma once

#include <cstdint>
#include <string>

namespace ofe::netlink {

// The message type of the family of that name in this kernel; 0 and a sentence in error when there is none. Asks the
// kernel, which answers within the call.
std::uint16_t generic_family(const std::string& name, std::string& error);

}  // namespace ofe::netlink
