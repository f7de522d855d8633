// When each flow is due: a heap with at most one entry per slot, which can be moved and taken out.
//
// The heap has four children a node (half the depth of a binary one, and the four lie in one or two cache lines). Where
// an entry stands is kept beside the heap and not in the slots, so that moving entries does not touch the flows.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace flowstore {

class Deadlines {
 public:
  struct Entry {
    std::int64_t due_ms;
    std::uint32_t slot;
  };

  bool empty() const { return heap_.empty(); }
  std::size_t size() const { return heap_.size(); }
  // The earliest entry; not to be called when empty.
  const Entry& top() const { return heap_.front(); }
  // The first places of the heap: the earliest entry, and most of those that come after it, in no particular order.
  std::span<const Entry> foremost(std::size_t most) const {
    return std::span(heap_).first(std::min(most, heap_.size()));
  }
  std::optional<std::int64_t> due_ms(std::uint32_t slot) const;

  // Adds the slot's entry, or moves it, earlier or later.
  void set(std::uint32_t slot, std::int64_t due_ms);
  // Does nothing when the slot has no entry.
  void erase(std::uint32_t slot);

 private:
  static constexpr std::uint32_t absent = UINT32_MAX;

  void place(std::size_t position, const Entry& entry);
  void sift_up(std::size_t position, const Entry& entry);
  void sift_down(std::size_t position, const Entry& entry);

  std::vector<Entry> heap_;
  std::vector<std::uint32_t> positions_;  // by slot; `absent` where it has no entry
};

}  // namespace flowstore
