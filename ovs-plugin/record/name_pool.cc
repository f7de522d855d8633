#include "ovs-plugin/record/name_pool.h"

namespace ofe::record {

flowstore::NameHandle NamePool::acquire(const Names& names) {
  if (names.empty()) return 0;
  const auto [entry, inserted] = by_value_.try_emplace(names, 0);
  if (inserted) {
    if (free_.empty()) {
      entry->second = static_cast<flowstore::NameHandle>(slots_.size());
      slots_.push_back({0, names});
      encoded_.emplace_back(names);
    } else {
      entry->second = free_.back();
      free_.pop_back();
      slots_[entry->second] = {0, names};
      encoded_[entry->second] = EncodedNames(names);
    }
  }
  ++slots_[entry->second].references;
  return entry->second;
}

flowstore::NameHandle NamePool::acquire(flowstore::NameHandle handle) {
  if (handle != 0) ++slots_[handle].references;
  return handle;
}

void NamePool::release(flowstore::NameHandle handle) {
  if (handle == 0 || --slots_[handle].references != 0) return;
  by_value_.erase(slots_[handle].names);
  slots_[handle] = {};
  encoded_[handle] = {};
  free_.push_back(handle);
}

}  // namespace ofe::record
