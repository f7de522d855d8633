// `ofproto/trace DP FLOW`: what ovs-vswitchd would do with a packet of a datapath flow, and by which rules. Asked for
// a recirculated flow it resumes where the flow's recirculation ID says, as long as that is in use. A trace without a
// packet changes nothing in ovs-vswitchd.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ofe::denied {

// The flow to ask for, from a megaflow's keys as dumped. What odp_flow_from_string() of OVS 3.1 does not read back is
// left out: the ufid, ct_tuple6 (printed with other names than it scans) and ct_tuple4, keys of a newer kernel. What
// stands under a zero mask is of no influence, which is what makes it a megaflow.
std::string flow_to_trace(std::string_view keys);

struct TracedRule {
  std::uint8_t table = 0;
  bool missed = false;  // the table has no rule for it
  int priority = 0;     // 0 to 65535; meaningless when missed
  std::uint64_t cookie = 0;
  std::string match;  // as OVS prints it, "" for every packet
  std::vector<std::string> actions;
};

// Of the flow itself; what a ct() in its actions would lead to is not looked at.
struct Trace {
  std::vector<TracedRule> rules;  // in the order they matched
  std::string megaflow;           // every field that was looked at
  std::string datapath_actions;
};

// False: text is no answer of ofproto/trace.
bool parse_trace(std::string_view text, Trace& out);

}  // namespace ofe::denied
