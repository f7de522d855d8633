#include "ovs-plugin/exporter/listing_part.h"

#include <utility>

namespace ofe {

void ListingPart::add(ofe_ovs_request* request, std::unique_ptr<Listing> listing) {
  waiting_.push_back({request, std::move(listing)});
}

// One slice of one listing, in turn.
void ListingPart::run(flowstore::Now) {
  if (waiting_.empty()) return;
  turn_ = (turn_ + 1) % waiting_.size();
  if (waiting_[turn_].listing->step()) return;
  const Waiting done = std::move(waiting_[turn_]);
  waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(turn_));
  reply(done.request, done.listing->answer());
}

void ListingPart::wait(flowstore::Now) {
  if (!waiting_.empty()) ofe_ovs_poll_immediate_wake();
}

void ListingPart::give_up() {
  for (const Waiting& unanswered : waiting_) reply(unanswered.request, {false, "the exporter is terminating"});
  waiting_.clear();
}

}  // namespace ofe
