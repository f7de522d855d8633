// Nodes by name, by their own addresses and by the Pod CIDRs given to them (longest prefix first). Part of the
// directory; pointers handed out stay valid until the Node is put again or removed.
#pragma once

#include <functional>
#include <map>
#include <utility>

#include "k8s-bridge/directory/claims.h"
#include "k8s-bridge/directory/directory.h"

namespace ofe::k8s {

class NodeTable {
 public:
  // false: a new Node, and there are max_nodes already.
  bool put(Node node, std::uint64_t generation, std::size_t max_nodes);
  bool remove(const std::string& name);
  // Removes what was not put with this generation; how many.
  std::size_t remove_others(std::uint64_t generation);

  const Node* find(const Address& address) const;
  const Node* find_by_pod_cidr(const Address& address) const;
  const Node* named(const std::string& name) const;
  void each(const std::function<bool(const Node&)>& visit) const;
  std::size_t size() const { return nodes_.size(); }

 private:
  struct Entry {
    std::unique_ptr<Node> node;
    std::uint64_t generation = 0;
  };
  using PrefixKey = std::pair<Address, std::uint8_t>;  // the bits after the prefix are zero

  void index(const Node& node);
  void unindex(const Node& node);
  void count_length(std::uint8_t length, int change);

  absl::flat_hash_map<std::string, Entry> nodes_;
  Claims<Address, const Node*> by_address_;
  Claims<PrefixKey, const Node*> by_prefix_;
  // Prefix lengths that occur, longest first, and how often: a lookup tries each, one or two in practice.
  std::map<std::uint8_t, int, std::greater<>> cidrs_of_length_;
};

}  // namespace ofe::k8s
