#include "k8s-bridge/directory/node_table.h"

namespace ofe::k8s {

namespace {

Address masked(Address address, std::size_t prefix_length) {
  for (std::size_t octet = 0; octet < address.size(); ++octet) {
    const std::size_t first_bit = octet * 8;
    if (prefix_length <= first_bit) {
      address[octet] = 0;
    } else if (prefix_length < first_bit + 8) {
      address[octet] &= static_cast<std::uint8_t>(0xff << (first_bit + 8 - prefix_length));
    }
  }
  return address;
}

}  // namespace

bool NodeTable::put(Node node, std::uint64_t generation, std::size_t max_nodes) {
  auto found = nodes_.find(node.name);
  if (found == nodes_.end()) {
    if (nodes_.size() >= max_nodes) return false;
    found = nodes_.emplace(node.name, Entry{std::make_unique<Node>(), 0}).first;
  } else {
    unindex(*found->second.node);
  }
  *found->second.node = std::move(node);
  found->second.generation = generation;
  index(*found->second.node);
  return true;
}

bool NodeTable::remove(const std::string& name) {
  const auto found = nodes_.find(name);
  if (found == nodes_.end()) return false;
  unindex(*found->second.node);
  nodes_.erase(found);
  return true;
}

std::size_t NodeTable::remove_others(std::uint64_t generation) {
  return absl::erase_if(nodes_, [&](const auto& item) {
    if (item.second.generation == generation) return false;
    unindex(*item.second.node);
    return true;
  });
}

void NodeTable::index(const Node& node) {
  for (const Address& address : node.addresses) by_address_.claim(address, &node);
  for (const Cidr& cidr : node.pod_cidrs) {
    by_prefix_.claim({masked(cidr.network, cidr.prefix_length), cidr.prefix_length}, &node);
    count_length(cidr.prefix_length, 1);
  }
}

void NodeTable::unindex(const Node& node) {
  for (const Address& address : node.addresses) by_address_.release(address, &node);
  for (const Cidr& cidr : node.pod_cidrs) {
    by_prefix_.release({masked(cidr.network, cidr.prefix_length), cidr.prefix_length}, &node);
    count_length(cidr.prefix_length, -1);
  }
}

void NodeTable::count_length(std::uint8_t length, int change) {
  const auto entry = cidrs_of_length_.try_emplace(length, 0).first;
  entry->second += change;
  if (entry->second == 0) cidrs_of_length_.erase(entry);
}

const Node* NodeTable::find(const Address& address) const {
  const Node* const* owner = by_address_.find(address);
  return owner == nullptr ? nullptr : *owner;
}

const Node* NodeTable::find_by_pod_cidr(const Address& address) const {
  for (const auto& [length, count] : cidrs_of_length_) {
    const Node* const* owner = by_prefix_.find({masked(address, length), length});
    if (owner != nullptr) return *owner;
  }
  return nullptr;
}

const Node* NodeTable::named(const std::string& name) const {
  const auto found = nodes_.find(name);
  return found == nodes_.end() ? nullptr : found->second.node.get();
}

void NodeTable::each(const std::function<bool(const Node&)>& visit) const {
  for (const auto& [name, entry] : nodes_) {
    if (!visit(*entry.node)) return;
  }
}

}  // namespace ofe::k8s
