// A hash map in many small ones, for tables that hold up to millions of entries on a thread that must never be held
// long: each slice grows by itself (one table of 2,000,000 entries stands still for 135 ms when it does), and what
// walks all entries stops between two slices.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <array>
#include <cstddef>

namespace ofe::correlate {

template <class Key, class Value>
class SlicedMap {
 public:
  // Null: not there. Valid until the next insertion or erasure.
  Value* find(const Key& key) {
    const std::size_t hash = absl::Hash<Key>{}(key);
    Slice& slice = slice_of(hash);
    const auto found = slice.find(key, hash);
    return found == slice.end() ? nullptr : &found->second;
  }
  // Starts fetching what find() and insertion look at.
  void prefetch(const Key& key) const { slices_[slice_number(absl::Hash<Key>{}(key))].prefetch(key); }
  Value& operator[](const Key& key) {
    bool fresh = false;
    return insert(key, Value(), fresh);
  }
  // The value, which is the given one where there was none; in `fresh`, whether that is so.
  Value& insert(const Key& key, const Value& value, bool& fresh) {
    const std::size_t hash = absl::Hash<Key>{}(key);
    Slice& slice = slice_of(hash);
    auto entry = slice.find(key, hash);
    fresh = entry == slice.end();
    if (fresh) entry = slice.emplace(key, value).first;
    size_ += fresh;
    return entry->second;
  }
  void erase(const Key& key) {
    if (size_ > 0) size_ -= slice_of(absl::Hash<Key>{}(key)).erase(key);  // an empty map costs its callers no hash
  }
  std::size_t size() const { return size_; }

  // Erases the entries whose value is `gone`, slice by slice from `next` on, until `budget` entries were looked at;
  // `gone` may change the values that stay. True while there are more slices; `next` is zero again when there are none.
  // What is inserted meanwhile into a slice that was passed is not looked at.
  template <class Gone>
  bool update_some(std::size_t& next, std::size_t budget, Gone&& gone) {
    for (std::size_t looked_at = 0; next < slices_.size() && looked_at < budget; ++next) {
      Slice& slice = slices_[next];
      looked_at += slice.size() + 1;
      for (auto entry = slice.begin(); entry != slice.end();) {
        const auto present = entry++;
        if (!gone(present->second)) continue;
        slice.erase(present);
        --size_;
      }
    }
    if (next < slices_.size()) return true;
    next = 0;
    return false;
  }

 private:
  using Slice = absl::flat_hash_map<Key, Value>;
  static constexpr unsigned slice_bits = 8;
  // By the leading bits of the hash; absl's tables use the trailing ones.
  static std::size_t slice_number(std::size_t hash) { return hash >> (sizeof(std::size_t) * 8 - slice_bits); }
  Slice& slice_of(std::size_t hash) { return slices_[slice_number(hash)]; }

  std::array<Slice, std::size_t{1} << slice_bits> slices_;
  std::size_t size_ = 0;
};

}  // namespace ofe::correlate
