// The memory of the flows: fixed chunks of slots that never move, numbered through, freed slots used again first.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "flowstore/connection_identity.h"
#include "flowstore/membership.h"

namespace flowstore {

// A flow and what the store keeps about it; at a million of them every octet counts.
struct Slot {
  Flow flow;
  // When its last regular deadline was (or it was first seen, or woke from being idle), and when the next one is. For
  // an ended flow active_due_ms is when it ended, which is when its last export became due.
  std::int64_t period_start_ms = 0;
  std::int64_t active_due_ms = 0;
  std::int64_t last_growth_ms = 0;
  Membership seen_in;
  EndReason end_reason = EndReason::end_of_flow;
  bool in_use : 1 = false;
  bool indexed : 1 = false;        // its key leads to it: no newer flow has the key
  bool start_known : 1 = false;    // flow.start_wall_ms is conntrack's own
  bool idle_exported : 1 = false;  // not due before it counts again
  bool flush : 1 = false;          // due whatever its timing says (Store::make_all_due)
  bool unseen : 1 = false;         // resumed, and not seen since: not due, and nothing says yet that it lives
  bool task_parity : 1 = false;    // Store::Impl::task_parity_ when its task was done to this slot
  bool end_told : 1 = false;       // while unseen: its last record said that it ended

  EntryMarks marks() const {
    return start_known ? EntryMarks{flow.id, flow.start_wall_ms, flow.start_ns} : EntryMarks{flow.id};
  }
};
static_assert(sizeof(Slot) <= 264, "the budget is 320 octets per flow with index and deadline");

class FlowArena {
 public:
  Slot& operator[](std::uint32_t slot) { return chunks_[slot / chunk_slots][slot % chunk_slots]; }
  const Slot& operator[](std::uint32_t slot) const { return chunks_[slot / chunk_slots][slot % chunk_slots]; }

  // Slots ever made, those in use and those free: the range to walk over.
  std::uint32_t slots() const { return slots_; }

  // A slot as newly made.
  std::uint32_t take() {
    std::uint32_t slot = slots_;
    if (!free_.empty()) {
      slot = free_.back();
      free_.pop_back();
    } else {
      if (slots_ % chunk_slots == 0) chunks_.push_back(std::make_unique<Slot[]>(chunk_slots));
      ++slots_;
    }
    (*this)[slot] = Slot{};
    (*this)[slot].in_use = true;
    return slot;
  }

  void give_back(std::uint32_t slot) {
    assert((*this)[slot].in_use);
    (*this)[slot].in_use = false;
    free_.push_back(slot);
  }

 private:
  static constexpr std::uint32_t chunk_slots = 1024;

  std::vector<std::unique_ptr<Slot[]>> chunks_;
  std::vector<std::uint32_t> free_;
  std::uint32_t slots_ = 0;
};

}  // namespace flowstore
