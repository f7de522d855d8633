#include "flowstore/deadlines.h"

#include <algorithm>

namespace flowstore {
namespace {

constexpr std::size_t arity = 4;

}  // namespace

std::optional<std::int64_t> Deadlines::due_ms(std::uint32_t slot) const {
  if (slot >= positions_.size() || positions_[slot] == absent) return std::nullopt;
  return heap_[positions_[slot]].due_ms;
}

void Deadlines::set(std::uint32_t slot, std::int64_t due_ms) {
  if (slot >= positions_.size()) positions_.resize(slot + std::size_t{1}, absent);
  const std::uint32_t position = positions_[slot];
  const Entry entry{due_ms, slot};
  if (position == absent) {
    heap_.push_back(entry);
    sift_up(heap_.size() - 1, entry);
  } else if (due_ms < heap_[position].due_ms) {
    sift_up(position, entry);
  } else {
    sift_down(position, entry);
  }
}

void Deadlines::erase(std::uint32_t slot) {
  if (slot >= positions_.size() || positions_[slot] == absent) return;
  const std::size_t position = positions_[slot];
  positions_[slot] = absent;
  const std::int64_t removed_due_ms = heap_[position].due_ms;
  const Entry last = heap_.back();
  heap_.pop_back();
  if (position == heap_.size()) return;
  if (last.due_ms < removed_due_ms) {
    sift_up(position, last);
  } else {
    sift_down(position, last);
  }
}

void Deadlines::place(std::size_t position, const Entry& entry) {
  heap_[position] = entry;
  positions_[entry.slot] = static_cast<std::uint32_t>(position);
}

void Deadlines::sift_up(std::size_t position, const Entry& entry) {
  while (position > 0) {
    const std::size_t parent = (position - 1) / arity;
    if (heap_[parent].due_ms <= entry.due_ms) break;
    place(position, heap_[parent]);
    position = parent;
  }
  place(position, entry);
}

void Deadlines::sift_down(std::size_t position, const Entry& entry) {
  for (;;) {
    const std::size_t first = position * arity + 1;
    if (first >= heap_.size()) break;
    const auto begin = heap_.begin() + static_cast<std::ptrdiff_t>(first);
    const auto end = heap_.begin() + static_cast<std::ptrdiff_t>(std::min(first + arity, heap_.size()));
    const auto least = std::min_element(begin, end, [](const Entry& a, const Entry& b) { return a.due_ms < b.due_ms; });
    if (entry.due_ms <= least->due_ms) break;
    const std::size_t child = static_cast<std::size_t>(least - heap_.begin());
    place(position, heap_[child]);
    position = child;
  }
  place(position, entry);
}

}  // namespace flowstore
