#include "flowstore/flow_index.h"

#include <utility>

namespace flowstore {
namespace {

constexpr unsigned initial_bits = 10;
constexpr unsigned tag_bits = 32;

}  // namespace

FlowIndex::FlowIndex() : entries_(std::size_t{1} << initial_bits, Entry{0, none}), shift_(tag_bits - initial_bits) {}

std::uint32_t FlowIndex::guess(std::uint64_t hash) const {
  return find(hash, [](std::uint32_t) { return true; });
}

void FlowIndex::insert(std::uint64_t hash, std::uint32_t slot) {
  if ((size_ + 1) * 4 > entries_.size() * 3) grow();
  place(Entry{tag_of(hash), slot});
  ++size_;
}

void FlowIndex::erase(std::uint64_t hash, std::uint32_t slot) {
  std::size_t hole = home(tag_of(hash));
  while (entries_[hole].slot != slot) hole = (hole + 1) & mask();
  // An entry may move back into the hole unless that would put it before its home.
  for (std::size_t i = (hole + 1) & mask(); entries_[i].slot != none; i = (i + 1) & mask()) {
    const std::size_t from_home = (i - home(entries_[i].tag)) & mask();
    if (from_home < ((i - hole) & mask())) continue;
    entries_[hole] = entries_[i];
    hole = i;
  }
  entries_[hole].slot = none;
  --size_;
}

void FlowIndex::place(const Entry& entry) {
  std::size_t i = home(entry.tag);
  while (entries_[i].slot != none) i = (i + 1) & mask();
  entries_[i] = entry;
}

void FlowIndex::grow() {
  const std::vector<Entry> old = std::exchange(entries_, std::vector<Entry>(entries_.size() * 2, Entry{0, none}));
  --shift_;
  for (const Entry& entry : old) {
    if (entry.slot != none) place(entry);
  }
}

}  // namespace flowstore
