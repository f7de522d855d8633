// One copy of each set of names, and of what it looks like in a record, however many flows share it.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <vector>

#include "flowstore/flow.h"
#include "ovs-plugin/record/encoded_names.h"
#include "ovs-plugin/record/names.h"

namespace ofe::record {

// Reference-counted; handle 0 is "no names".
class NamePool {
 public:
  flowstore::NameHandle acquire(const Names& names);
  // Once more what is acquired already.
  flowstore::NameHandle acquire(flowstore::NameHandle handle);
  void release(flowstore::NameHandle handle);
  const Names& get(flowstore::NameHandle handle) const { return slots_[handle].names; }
  // The same as records have them. Valid until the next acquire().
  const EncodedNames& encoded(flowstore::NameHandle handle) const { return encoded_[handle]; }
  std::size_t size() const { return by_value_.size(); }

 private:
  struct Slot {
    std::size_t references = 0;
    Names names;
  };
  std::vector<Slot> slots_{1};
  std::vector<EncodedNames> encoded_{1};  // of each slot; apart, as every record reads this and hardly any the other
  std::vector<flowstore::NameHandle> free_;
  absl::flat_hash_map<Names, flowstore::NameHandle> by_value_;
};

}  // namespace ofe::record
