// Which owner a key leads to when several owners may claim it: the one that claimed it last; when that one lets go,
// the one before it has it again.
#pragma once

#include <algorithm>
#include <cstddef>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"

namespace ofe::k8s {

template <typename Key, typename Owner>
class Claims {
 public:
  // A second claim of the same owner on the same key changes nothing.
  void claim(const Key& key, const Owner& owner) {
    Owners& owners = owners_[key];
    if (std::find(owners.begin(), owners.end(), owner) != owners.end()) return;
    owners.push_back(owner);
    if (owners.size() == 2) ++contested_;
  }

  void release(const Key& key, const Owner& owner) {
    const auto entry = owners_.find(key);
    if (entry == owners_.end()) return;
    Owners& owners = entry->second;
    const auto mine = std::find(owners.begin(), owners.end(), owner);
    if (mine == owners.end()) return;
    owners.erase(mine);
    if (owners.size() == 1) --contested_;
    if (owners.empty()) owners_.erase(entry);
  }

  // nullptr: nobody claims it.
  const Owner* find(const Key& key) const {
    const auto entry = owners_.find(key);
    return entry == owners_.end() ? nullptr : &entry->second.back();
  }

  // Keys that more than one owner claims now.
  std::size_t contested() const { return contested_; }

 private:
  using Owners = absl::InlinedVector<Owner, 1>;
  absl::flat_hash_map<Key, Owners> owners_;
  std::size_t contested_ = 0;
};

}  // namespace ofe::k8s
