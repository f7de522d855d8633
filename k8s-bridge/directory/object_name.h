// namespace and name as one key of a hash table, looked up without building a string.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/hash/hash.h"

namespace ofe::k8s {

using ObjectName = std::pair<std::string, std::string>;
using ObjectNameView = std::pair<std::string_view, std::string_view>;

struct ObjectNameHash {
  using is_transparent = void;
  std::size_t operator()(const ObjectNameView& name) const { return absl::HashOf(name.first, name.second); }
};

struct ObjectNameEqual {
  using is_transparent = void;
  bool operator()(const ObjectNameView& a, const ObjectNameView& b) const { return a == b; }
};

template <typename Value>
using ByObjectName = absl::flat_hash_map<ObjectName, Value, ObjectNameHash, ObjectNameEqual>;

}  // namespace ofe::k8s
