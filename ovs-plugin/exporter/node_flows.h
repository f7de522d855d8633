// Node-to-Node flows: of what the host's own connection tracking shows, the connections between two Nodes.
//
// Zone 0 holds everything the Node's network stack tracks: the kubelet's and host-network Pods' connections to other
// Nodes, what tunnels between Nodes look like from outside (UDP 6081 and 4789, ESP, WireGuard; where the CNI does not
// exempt them from tracking), but also Pod traffic on its way out that the bridge's zones show already, before it was
// masqueraded. Only entries between Node addresses become flows: original source and reply source (the endpoint after
// DNAT) are both addresses of Nodes, as the k8s-bridge tells them. Both may be of the same Node.
//
// Never twice: an entry whose two tuples a bridge zone shows as well is one flow (the store's rule). A connection that
// two Nodes track is exported by the Node of its source.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "flowstore/store.h"
#include "k8s-bridge/directory/directory.h"
#include "ovs-plugin/config/config.h"

namespace ofe {

// What no rule puts into a zone. It is the kernel's whatever datapath the bridge has.
inline constexpr std::uint16_t host_zone = 0;

// `zones` lists 0: all of it was asked for. Then it is a zone like any other, of the bridge's datapath, and nothing of
// it is left out.
bool whole_host_zone(const config::Config& settings);
// Zone 0 is read for Node-to-Node flows alone.
bool reads_node_flows(const config::Config& settings);

// `zones`, then the host's zone where it is read in addition: last, so that a connection that a bridge zone shows as
// well is counted there.
std::vector<std::uint16_t> watched_zones(const config::Config& settings);

// Entries, each counted as often as it is read.
struct NodeFlowStats {
  std::uint64_t taken = 0;
  std::uint64_t left_out = 0;
};

class NodeFlows {
 public:
  // All three must outlive it; the settings may change in place.
  NodeFlows(const config::Config& settings, const k8s::Directory& directory, const flowstore::Store& store)
      : settings_(settings), directory_(directory), store_(store) {}

  // Whether the entry may become a flow or is one: true for every zone but the host's. To be asked before the entry, or
  // the event of its end, goes into the store.
  //
  // An entry seen before its Nodes were known enters when they are. One that entered stays in for as long as its flow
  // lives, also when a Node's object is deleted meanwhile: it ends when conntrack shows it no more. (Left out, its flow
  // would end, and when the object comes back, as the kubelet makes it again, a new one would count it all twice.)
  //
  // A limit: where conntrack keeps no start times, the store takes an entry that enters late for new, and counts what
  // it carried before.
  bool admits(const flowstore::Observation& seen);

  // "", or a sentence: why there are no Node-to-Node flows although they are wanted.
  std::string problem(const std::string& own_node) const;
  const NodeFlowStats& stats() const { return stats_; }

 private:
  bool is_node(const flowstore::Address& address) const;
  bool lives(const flowstore::Observation& seen) const;

  const config::Config& settings_;
  const k8s::Directory& directory_;
  const flowstore::Store& store_;
  NodeFlowStats stats_;
};

}  // namespace ofe
