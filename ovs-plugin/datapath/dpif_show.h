// ovs-vswitchd's answer to dpif/show: which number each port of a bridge has in its datapath.
//
//   netdev@ovs-netdev: hit:90253 missed:73
//     br-int:
//       br-int 65534/1: (tap)
//       antrea-tun0 1/4: (vxlan: key=flow, remote_ip=flow)
//       patch-up 2/none: (patch: peer=patch-int)
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ofe::datapath {

struct DpifPort {
  std::string bridge, interface;
  std::int64_t ofport = 0;
  std::uint32_t number = 0;  // in the datapath
  friend bool operator==(const DpifPort&, const DpifPort&) = default;
};

class DpifShow {
 public:
  // One line, without its end.
  void add_line(std::string_view line);
  // Ports that the datapath has; a patch port has no number there and is left out.
  const std::vector<DpifPort>& ports() const { return ports_; }
  std::uint64_t unreadable() const { return unreadable_; }

 private:
  bool read_port(std::string_view text);

  std::string bridge_;
  std::vector<DpifPort> ports_;
  std::uint64_t unreadable_ = 0;
};

}  // namespace ofe::datapath
