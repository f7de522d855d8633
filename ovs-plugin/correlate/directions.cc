#include "ovs-plugin/correlate/directions.h"

namespace ofe::correlate {

Direction* Directions::find(const flowstore::Tuple& tuple) {
  const DirectionId* id = ids_.find(tuple);
  return id == nullptr ? nullptr : &arena_[*id];
}

DirectionId Directions::id_of(const flowstore::Tuple& tuple) {
  return *ids_.find(tuple);
}

Direction* Directions::make(const flowstore::Tuple& tuple, flowstore::Now now) {
  if (Direction* known = find(tuple)) return known;
  if (ids_.size() >= most_) {
    ++refused_;
    return nullptr;
  }
  DirectionId id = static_cast<DirectionId>(arena_.size());
  if (free_.empty()) {
    arena_.emplace_back();
  } else {
    id = free_.back();
    free_.pop_back();
  }
  Direction& fresh = arena_[id];
  fresh.tuple = tuple;
  fresh.in_use = true;
  fresh.claimed_ms = now.monotonic_ms;
  ids_[tuple] = id;
  return &fresh;
}

void Directions::erase(DirectionId id) {
  ids_.erase(arena_[id].tuple);
  free(id);
}

void Directions::free(DirectionId id) {
  const std::uint32_t generation = arena_[id].generation + 1;
  arena_[id] = {};
  arena_[id].generation = generation;
  free_.push_back(id);
}

}  // namespace ofe::correlate
