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
  size_ -= found->second.size();
  zones_.erase(found);
}

bool RecentEnds::remember(std::uint16_t zone, std::uint64_t key_hash, const End& end) {
  const auto found = zones_.find(zone);
  if (found == zones_.end() || end.marks.id == 0) return true;
  const std::uint64_t key = fingerprint(key_hash, end.marks.id);
  const auto known = found->second.find(key);
  if (known != found->second.end()) {
    known->second = end;
    return true;
  }
  if (size_ >= max_ends_) return false;
  found->second.emplace(key, end);
  ++size_;
  return true;
}

const RecentEnds::End* RecentEnds::find(std::uint16_t zone, std::uint64_t key_hash, const EntryMarks& marks) const {
  const auto found = zones_.find(zone);
  if (found == zones_.end() || marks.id == 0) return nullptr;
  const auto end = found->second.find(fingerprint(key_hash, marks.id));
  if (end == found->second.end() || compare(end->second.marks, marks) != Kinship::same) return nullptr;
  return &end->second;
}

}  // namespace flowstore
