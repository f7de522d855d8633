// Dividing what a bucket's megaflows counted among its members, in slices: first who takes part, then each one's share.
#include <algorithm>

#include "ovs-plugin/correlate/megaflow_join.h"

namespace ofe::correlate {

// The members of a bucket whose turn is soon lie anywhere in memory.
void MegaflowJoin::prefetch_waiting() const {
  constexpr std::size_t ahead = 8, most = 4;
  if (waiting_.size() > ahead) {
    const BucketMembers& members = space_[waiting_[waiting_.size() - 1 - ahead]].members;
    for (std::size_t i = 0; i < std::min(most, members.size()); ++i) directions_.prefetch(members[i]);
  }
}

bool MegaflowJoin::divide(flowstore::Now now, std::size_t budget) {
  for (std::size_t looked_at = 0; looked_at < budget;) {
    if (division_.bucket == no_bucket) {
      if (waiting_.empty()) {
        waiting_.swap(waiting_longer_);
        return false;
      }
      prefetch_waiting();
      begin_division(waiting_.back());
      waiting_.pop_back();
      ++looked_at;
    }
    if (!division_.giving) {
      looked_at += collect(budget - std::min(looked_at, budget));
      if (division_.next < space_[division_.bucket].members.size()) return true;
      begin_giving(now);
    } else {
      looked_at += give(budget - std::min(looked_at, budget));
      if (division_.next == division_.active.size()) end_division();
    }
  }
  return true;
}

void MegaflowJoin::begin_division(BucketId id) {
  division_.bucket = id;
  division_.giving = false;
  division_.next = 0;
  division_.active.clear();
  division_.idle.clear();
  division_.fragmented.clear();
  division_.refused = {};
  space_[id].waiting = false;
}

// Those that a scan has shown since the dump that counted.
std::size_t MegaflowJoin::collect(std::size_t budget) {
  const BucketMembers& members = space_[division_.bucket].members;
  const std::size_t first = division_.next, end = std::min(members.size(), first + budget);
  for (; division_.next < end; ++division_.next) {
    const DirectionId id = members[division_.next];
    Direction& direction = directions_[id];
    if (direction.claimed_round != round_) continue;
    (direction.active_round == round_ ? division_.active : division_.idle).push_back({id, direction.generation});
    if (space_[division_.bucket].zones == every_zone) {
      if (direction.fragmented) division_.fragmented.push_back({id, direction.generation});
      continue;
    }
    direction.counted = direction.estimated = true;
    direction.lossy |= space_[division_.bucket].lossy;
    direction.others += space_[division_.bucket].may_miss;
  }
  return end - first;
}

void MegaflowJoin::begin_giving(flowstore::Now now) {
  Bucket& bucket = space_[division_.bucket];
  if (bucket.zones == every_zone) pick_fragmented();
  if (division_.active.empty()) division_.active.swap(division_.idle);
  if (division_.active.empty()) {  // nobody yet
    if (now.monotonic_ms - bucket.pending_since_ms > unclaimed_ms_) {
      stats_.unmatched += bucket.pending;
      bucket.pending = bucket.may_miss = {};
      bucket.lossy = false;
    }
    return end_division();
  }
  bucket.lossy = false;
  bucket.may_miss = {};
  division_.giving = true;
  division_.next = 0;
  division_.whole = bucket.pending;
  division_.shares = Shares(bucket.pending, division_.active.size(), bucket.turn);
  bucket.turn = division_.shares.next_turn();
  bucket.pending = {};
}

std::size_t MegaflowJoin::give(std::size_t budget) {
  const std::size_t first = division_.next,
                    end = std::min(division_.active.size(), first + std::max<std::size_t>(1, budget));
  for (; division_.next < end; ++division_.next) {
    const Division::Member& member = division_.active[division_.next];
    const Amount share = division_.shares.next();
    Direction& direction = directions_[member.id];
    if (direction.generation != member.generation) {
      division_.refused += share;  // its connection ended between two slices
      continue;
    }
    direction.total += share;
    direction.shared += share;
    direction.others += division_.whole - share;
    stats_.apportioned += share;
  }
  return end - first;
}

void MegaflowJoin::end_division() {
  const BucketId id = division_.bucket;
  Bucket& bucket = space_[id];
  bucket.pending += division_.refused;
  division_.bucket = no_bucket;
  if (bucket.owes()) {
    bucket.waiting = true;
    waiting_longer_.push_back(id);
  } else if (bucket.megaflows == 0) {
    space_.hide(id);
    hidden_.push_back(id);
  }
}

}  // namespace ofe::correlate
