// Fragments after a packet's first under NetFlow: OVS reports them by their addresses and protocol with both ports 0,
// as they have none (lib/flow.c, miniflow_extract), while a packet's first fragment counts under its ports.
#include "ovs-plugin/correlate/megaflow_join.h"

namespace ofe::correlate {

void MegaflowJoin::add_later_fragments(const flowstore::Tuple& tuple, const Amount& counted, flowstore::Now now) {
  datapath::TupleMatch match;
  match.family = datapath::family_of(tuple);
  match.value = tuple;
  match.mask.source.fill(0xff);
  match.mask.destination.fill(0xff);
  match.mask.protocol = 0xff;
  const auto bucket = space_.bucket_of(match, every_zone, any_port);
  if (!bucket) {
    stats_.unmatched += counted;
    return;
  }
  owe(*bucket, now);
  space_[*bucket].pending += counted;
}

// While NetFlow is active each connection's first fragments have a megaflow of their own.
void MegaflowJoin::note_first_fragment(const Entry& entry) {
  if (Direction* direction = directions_.find(entry.match.value)) direction->fragmented = true;
}

// Whom the fragments are divided among, and who is marked: the connections known to be fragmented. Where none is, or
// where one can have been between two dumps and gone unseen, any of the members may be.
void MegaflowJoin::pick_fragmented() {
  const bool seen_all = dump_ms_ - settled_dump_ms_ < max_idle_ms;
  if (seen_all && !division_.fragmented.empty()) {
    division_.active.swap(division_.fragmented);
    division_.idle.clear();
  }
  for (const auto* members : {&division_.active, &division_.idle}) {
    for (const Division::Member& member : *members) {
      Direction& direction = directions_[member.id];
      if (direction.generation == member.generation) direction.counted = direction.estimated = true;
    }
  }
}

}  // namespace ofe::correlate
