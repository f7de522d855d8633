// Where the two ends of a flow are, and what kind of flow that makes it.
#pragma once

#include <algorithm>
#include <cstdint>

namespace ofe::record {

// From the least to the most that can be known of an address.
enum class EndKind : std::uint8_t {
  outside,        // of the cluster, as far as known
  node,           // one of a Node's own addresses
  gateway,        // a Node's own address in its Pod range, or one there that no Pod is known to have
  pod_elsewhere,  // of another Node
  pod_here,
};

struct Ends {
  EndKind source = EndKind::outside, destination = EndKind::outside;

  // What is known later can add to what was known before, and takes nothing away: a Pod that is gone was one.
  void add(const Ends& later) {
    source = std::max(source, later.source);
    destination = std::max(destination, later.destination);
  }
  friend bool operator==(const Ends&, const Ends&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const Ends& e) {
    return H::combine(std::move(h), e.source, e.destination);
  }
};

// Antrea's flowType (56506/137).
enum class FlowType : std::uint8_t {
  unspecified = 0,  // none of these, such as between Nodes
  intra_node = 1,   // between two Pods of this Node
  inter_node = 2,   // between Pods of two Nodes, also where one comes by this Node's gateway
  to_external = 3,  // from a Pod to no Pod
  from_external = 4,
};

constexpr FlowType flow_type(const Ends& ends) {
  const auto is_pod = [](EndKind kind) { return kind >= EndKind::pod_elsewhere; };
  const auto& [source, destination] = ends;
  if (is_pod(source)) {
    if (is_pod(destination)) return source == destination ? FlowType::intra_node : FlowType::inter_node;
    return destination == EndKind::gateway ? FlowType::unspecified : FlowType::to_external;
  }
  if (source == EndKind::gateway) {
    return destination == EndKind::pod_here ? FlowType::inter_node : FlowType::unspecified;
  }
  return is_pod(destination) ? FlowType::from_external : FlowType::unspecified;
}

}  // namespace ofe::record
