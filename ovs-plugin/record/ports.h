// The ports of this Node's bridges: by interface, by OpenFlow port, by datapath port, each with its Pod and its kind.
//
// Three numbers mean a port. OVSDB's `ofport` is the OpenFlow port of one bridge. The datapath numbers its ports across
// all bridges of one type (what megaflows' in_port and output actions say); tunnel ports of one type and UDP port share
// one there, under a name of its own ("vxlan_sys_4789"). The kernel's ifindex is a third.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ovs-plugin/record/local_ports.h"

namespace ofe::record {

enum class PortKind : std::uint8_t {
  other,
  pod,
  gateway,  // the Node's own way into the bridge (antrea-gw0, ovn-k8s-mp0)
  tunnel,   // to other Nodes
  uplink,   // a physical interface
};
const char* to_string(PortKind kind);

struct Port {
  std::string bridge, interface;
  std::string type;                            // OVSDB's: "", "internal", "vxlan", "geneve", "patch", "dpdk", …
  std::int64_t ofport = -1;                    // -1: none (yet)
  std::int64_t ifindex = 0;                    // 0: unknown
  std::optional<std::uint32_t> datapath_port;  // none: not told yet, or a patch port, which the datapath never sees
  PortKind kind = PortKind::other;
  LocalPort pod;  // of kind pod; else empty
};

// Of what OVSDB says. Antrea marks its ports (antrea-type=gateway, tunnel, uplink, container); where nothing is marked,
// type and name tell. physical: the host has a device behind the interface (/sys/class/net/NAME/device).
Port port_from_interface(std::string bridge, std::string interface, std::string type,
                         const std::vector<ExternalId>& external_ids, bool physical);

class Ports {
 public:
  // Datapath ports told before hold for interfaces that stay: same bridge, OpenFlow port and ifindex.
  void replace(std::vector<Port> ports);
  struct DatapathPort {
    std::string bridge, interface;
    std::uint32_t number = 0;
  };
  // What ovs-vswitchd said last; ports it did not name have none.
  void set_datapath_ports(const std::vector<DatapathPort>& numbers);

  // Pointers stay valid until the next replace(). nullptr: no such port.
  const Port* by_interface(std::string_view interface) const;
  const Port* by_ofport(std::string_view bridge, std::int64_t ofport) const;
  const Port* by_datapath_port(std::uint32_t number) const;
  // As `dpctl/dump-flows -m` prints ports: an interface, a tunnel's name in the datapath, or a number.
  const Port* by_datapath_name(std::string_view name) const;
  const Port* by_pod_address(const flowstore::Address& address) const;
  const Port* by_pod(std::string_view name_space, std::string_view name) const;
  // The first of its kind on the bridge.
  const Port* first(PortKind kind, std::string_view bridge) const;
  const std::vector<Port>& all() const { return ports_; }

 private:
  void index_datapath_ports();

  std::vector<Port> ports_;
  absl::flat_hash_map<std::string, std::size_t> by_interface_;
  absl::flat_hash_map<std::pair<std::string, std::int64_t>, std::size_t> by_ofport_;
  absl::flat_hash_map<std::uint32_t, std::size_t> by_datapath_port_;
  absl::flat_hash_map<flowstore::Address, std::size_t> by_address_;
  absl::flat_hash_map<std::pair<std::string, std::string>, std::size_t> by_pod_;
};

}  // namespace ofe::record
