// From a key's hash to the slot that holds the key: open addressing with linear probing.
//
// Own code rather than absl::flat_hash_set for two reasons. Erasing shifts the followers back and leaves no tombstone,
// so a table through which millions of short connections pass does not decay. And the hash is kept beside the slot
// number, so that growing streams through the table and touches no flow (about ten milliseconds at a million of them).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace flowstore {

class FlowIndex {
 public:
  static constexpr std::uint32_t none = UINT32_MAX;

  FlowIndex();

  // The slot with this hash for which `matches(slot)` holds, or none.
  template <typename Matches>
  std::uint32_t find(std::uint64_t hash, Matches matches) const {
    const std::uint32_t tag = tag_of(hash);
    for (std::size_t i = home(tag); entries_[i].slot != none; i = (i + 1) & mask()) {
      if (entries_[i].tag == tag && matches(entries_[i].slot)) return entries_[i].slot;
    }
    return none;
  }
  // The first slot filed under this hash, whatever its key: a guess, good enough to prefetch it.
  std::uint32_t guess(std::uint64_t hash) const;
  void prefetch(std::uint64_t hash) const { __builtin_prefetch(&entries_[home(tag_of(hash))]); }

  // The key must not be in the index yet.
  void insert(std::uint64_t hash, std::uint32_t slot);
  // The slot must be in the index under this hash.
  void erase(std::uint64_t hash, std::uint32_t slot);

  std::size_t size() const { return size_; }

 private:
  struct Entry {
    std::uint32_t tag;
    std::uint32_t slot;
  };

  static std::uint32_t tag_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }
  // The leading bits, so that a larger table holds the entries in the same order.
  std::size_t home(std::uint32_t tag) const { return tag >> shift_; }
  std::size_t mask() const { return entries_.size() - 1; }
  void place(const Entry& entry);
  void grow();

  std::vector<Entry> entries_;
  std::size_t size_ = 0;
  unsigned shift_;
};

}  // namespace flowstore
