#include "flowstore/recent_ends.h"

#include "absl/hash/hash.h"

namespace flowstore {
namespace {

// Sixty-four bits stand for key and id. A chance agreement of two is far less likely than the loss of a netlink
// message.
std::uint64_t fingerprint(std::uint64_t key_hash, std::uint32_t id) {
  return absl::HashOf(key_hash, id);
}

}  // namespace

void RecentEnds::begin_scan(std::uint16_t zone) {
  end_scan(zone);
  zones_.try_emplace(zone);
}

void RecentEnds::end_scan(std::uint16_t zone) {
  const auto found = zones_.find(zone);
  if (found == zones_.end()) return;
  size_ -= found->second.size;
  zones_.erase(found);
}

bool RecentEnds::remember(std::uint16_t zone, std::uint64_t key_hash, const End& end) {
  const auto found = zones_.find(zone);
  if (found == zones_.end() || end.marks.id == 0) return true;
  const std::uint64_t key = fingerprint(key_hash, end.marks.id);
  const auto known = found->second.ends.find(key);
  if (known != found->second.ends.end()) {
    for (End& before : known->second) {
      if (compare(before.marks, end.marks) != Kinship::same) continue;
      before = end;
      return true;
    }
  }
  if (size_ >= max_ends_) return false;
  found->second.ends[key].push_back(end);
  ++found->second.size;
  ++size_;
  return true;
}

const RecentEnds::End* RecentEnds::find(std::uint16_t zone, std::uint64_t key_hash, const EntryMarks& marks) const {
  const auto found = zones_.find(zone);
  if (found == zones_.end() || marks.id == 0) return nullptr;
  const auto known = found->second.ends.find(fingerprint(key_hash, marks.id));
  if (known == found->second.ends.end()) return nullptr;
  for (const End& end : known->second) {
    if (compare(end.marks, marks) == Kinship::same) return &end;
  }
  return nullptr;
}

}  // namespace flowstore
