// The directory: address and time → Pod; address, port and protocol (or node port) → Service; address → Node.
//
// Fed with metadata updates, read when flows are named. No I/O, no clock. Lookups do not allocate. Pods that were
// deleted stay findable by their lifetime for a bounded time, so that a flow of theirs is still named right after the
// address went to another Pod. Host-network Pods and Pods that ended (Succeeded, Failed) never claim an address.
//
// Pointers handed out stay valid until the next call of apply, end_snapshot or expire.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proto/metadata.pb.h"

namespace ofe::k8s {

// 16 octets in network order, IPv4 as IPv4-mapped; the same shape as the connection store's.
using Address = std::array<std::uint8_t, 16>;
// From 4 or 16 octets as they stand in metadata messages; nullopt for any other length.
std::optional<Address> address_from_bytes(const std::string& bytes);

struct Pod {
  std::string pod_namespace, name, uid, node_name;
  std::vector<Address> addresses;
  bool host_network = false;
  bool ended = false;                // Succeeded or Failed: what it lists as its addresses is no longer its own
  std::int64_t start_wall_ms = 0;    // 0: unknown, taken as "always"
  std::int64_t removed_wall_ms = 0;  // 0: still there
};

struct ServicePort {
  std::string name;
  std::uint16_t port = 0;
  std::uint8_t protocol = 0;
  std::uint16_t node_port = 0;
};

struct Service {
  std::string service_namespace, name, type;
  std::vector<Address> cluster_ips, external_ips;
  std::vector<ServicePort> ports;
};

struct Cidr {
  Address network{};
  std::uint8_t prefix_length = 0;  // in the 128-bit form
  bool contains(const Address& address) const;
};

struct Node {
  std::string name;
  std::vector<Address> addresses;
  std::vector<Cidr> pod_cidrs;
};

struct DirectoryStats {
  std::size_t pods = 0, services = 0, nodes = 0;
  std::size_t removed_pods_kept = 0;
  std::size_t contested_service_ports = 0;  // (address, port, protocol) that more than one Service claims now
  std::uint64_t updates = 0, removals = 0;  // objects put, objects taken out (by a snapshot's end, too)
  std::uint64_t snapshots = 0;              // whole ones
  // Objects without a name (not used), or with an address of neither 4 nor 16 octets or a port, protocol or prefix
  // length out of range (used without that part).
  std::uint64_t invalid = 0;
  std::uint64_t refused = 0;               // new objects not taken because of max_objects
  std::uint64_t removed_pods_dropped = 0;  // forgotten before their time because of the limit
};

struct DirectoryLimits {
  std::int64_t keep_removed_pods_ms = 300'000;
  std::size_t max_removed_pods = 10'000;
  std::size_t max_objects = 500'000;  // of each kind; a cluster's supported size is far below
};

class Directory {
 public:
  explicit Directory(DirectoryLimits limits = {});
  ~Directory();

  // A snapshot replaces everything: objects known before it that it does not repeat are removed at its end, as if
  // removed then. What it brings is found at once. Begun again before its end, it starts over.
  void begin_snapshot();
  // Removals first: an object that one Update both removes and lists is there afterwards. A Pod replaces the one of
  // the same uid, and ends an older one of the same name; without a uid its name identifies it.
  void apply(const metadata::v1::Update& update, std::int64_t wall_ms);
  void end_snapshot(std::int64_t wall_ms);
  // A broken connection in the middle of a snapshot: what was known before stays in use.
  void abandon_snapshot();
  // Forgets removed Pods whose time is over.
  void expire(std::int64_t wall_ms);
  bool has_snapshot() const;  // a whole one arrived at some time

  // The Pod that had this address at that time: from its start (from the news, when the Pod was known without the
  // address before) until its removal (or its deletion timestamp, when that is earlier); of several the one that got
  // it last. Where nobody had it, the next to get it: a flow may begin slightly before its Pod's recorded start.
  // removed_wall_ms tells whether the Pod has given the address up since. nullptr: none.
  const Pod* pod(const Address& address, std::int64_t at_wall_ms) const;
  struct ServiceMatch {
    const Service* service = nullptr;
    const ServicePort* port = nullptr;
  };
  // By cluster IP or external IP. Where several Services claim the same, the one put last has it, and when that goes
  // the one before it has it again. service == nullptr: none.
  ServiceMatch service(const Address& address, std::uint16_t port, std::uint8_t protocol) const;
  // By node port, which a Service has on every Node's addresses. Contested ones as above.
  ServiceMatch service_by_node_port(std::uint16_t node_port, std::uint8_t protocol) const;
  const Service* service_named(const std::string& service_namespace, const std::string& name) const;
  // The Node one of whose own addresses this is.
  const Node* node(const Address& address) const;
  // The Node whose Pod CIDR holds it.
  const Node* node_of_pod_address(const Address& address) const;
  const Node* node_named(const std::string& name) const;

  // In no particular order; false stops. Pods that are there now, the removed ones not.
  void each_pod(const std::function<bool(const Pod&)>& visit) const;
  void each_service(const std::function<bool(const Service&)>& visit) const;
  void each_node(const std::function<bool(const Node&)>& visit) const;
  const DirectoryStats& stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ofe::k8s
