// What megaflows counted and no dump shows: between the last dump that had one and its end.
#include <algorithm>

#include "ovs-plugin/correlate/megaflow_join.h"

namespace ofe::correlate {
namespace {

// Open vSwitch's clock is read elsewhere.
constexpr std::int64_t idle_slack_ms = 1'000;

}  // namespace

// From the last settled dump that had it to this one.
std::int64_t MegaflowJoin::since_shown_ms(const Entry& entry) const {
  return dump_ms_ - (entry.missed ? settled_earlier_ms_ : settled_dump_ms_);
}

// It has ended since the last dump, or this one misses it, which nobody can tell yet. Where a packet had come for it
// not long before that dump, it was not idle: a change of rules, flow-limit or a slow revalidator removed it, and what
// it counted after the dump is lost. Where the dump is older than max-idle nothing can be told.
bool MegaflowJoin::may_end_unseen(const Entry& entry) const {
  if (entry.missed) return false;  // was said when it was missed
  const std::int64_t unseen_ms = since_shown_ms(entry);
  const bool idled_out = entry.used_ms < 0 || entry.used_ms + unseen_ms >= max_idle_ms - idle_slack_ms;
  return !idled_out || unseen_ms >= max_idle_ms;
}

// Between the last packets of the two dumps that have it there is room for having been removed: it may be another one.
bool MegaflowJoin::may_have_idled_out(const Entry& entry, const datapath::Megaflow& shown) const {
  const std::int64_t between_packets_ms = since_shown_ms(entry) + std::max(entry.used_ms, 0) - shown.used_ms_ago;
  return between_packets_ms >= max_idle_ms - idle_slack_ms;
}

// It is there as before, with counters no lower. It can be another one all the same, that came when the first had idled
// out. Then what it counted is not what the counters grew by, but all of them.
void MegaflowJoin::note_growth(Entry& entry, const datapath::Megaflow& shown) const {
  if (!settled_before_ || shown.packets == 0) return;  // 0: as new, and its predecessor had none
  if (!may_have_idled_out(entry, shown)) return;
  entry.lossy |= since_shown_ms(entry) >= max_idle_ms;
  entry.may_miss = entry.seen;
}

// To whom the megaflow counts. Where NetFlow counts, nothing is missing.
void MegaflowJoin::hand_on_loss(Entry& entry, const JoinContext& context, flowstore::Now now) {
  const bool lossy = entry.lossy;
  const Amount may_miss = entry.may_miss;
  entry.lossy = false;
  entry.may_miss = {};
  if (!entry.leads || (!lossy && may_miss.empty())) return;
  if (context.netflow_active && netflow_covers(entry.match)) return;
  if (lossy) ++stats_.gone_early;
  if (!entry.pinned) {
    if (entry.bucket == no_bucket) return;
    owe(entry.bucket, now);
    space_[entry.bucket].lossy |= lossy;
    space_[entry.bucket].may_miss += may_miss;
    return;
  }
  Direction* direction = directions_.find(entry.match.value);
  if (direction == nullptr) return;
  direction->estimated = true;
  direction->lossy |= lossy;
  direction->others += may_miss;
}

// The bucket has something for its members: it is looked at when the next dump is settled.
void MegaflowJoin::owe(BucketId id, flowstore::Now now) {
  Bucket& bucket = space_[id];
  if (!bucket.owes()) bucket.pending_since_ms = now.monotonic_ms;
  if (!bucket.waiting) waiting_.push_back(id);
  bucket.waiting = true;
}

}  // namespace ofe::correlate
