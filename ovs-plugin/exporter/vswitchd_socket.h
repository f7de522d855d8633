// Where ovs-vswitchd listens: its pidfile, or its ovs-vswitchd.PID.ctl.
#pragma once

#include <string>

namespace ofe {

// Full path of the control socket in the run directory; "" when there is none. With a pidfile its process's socket,
// otherwise (another PID namespace, no pidfile) the youngest ovs-vswitchd.*.ctl.
std::string find_vswitchd_socket(const std::string& rundir);

}  // namespace ofe
