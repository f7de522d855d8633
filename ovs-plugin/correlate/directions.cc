#include "ovs-plugin/correlate/directions.h"

#include <memory>

namespace ofe::correlate {

Direction* Directions::find(const flowstore::Tuple& tuple) {
  const DirectionId* id = ids_.find(tuple);
  return id == nullptr ? nullptr : &arena_[*id];
}

DirectionId Directions::id_of(const flowstore::Tuple& tuple) {
  const DirectionId* id = ids_.find(tuple);
  return id == nullptr ? no_direction : *id;
}

void Directions::prefetch(DirectionId id) const {
  constexpr std::size_t line = 64;
  const auto* first = reinterpret_cast<const char*>(&arena_[id]);
  for (std::size_t at = 0; at < sizeof(Direction); at += line) __builtin_prefetch(first + at, 1);
}

DirectionId Directions::make(const flowstore::Tuple& tuple, flowstore::Now now) {
  bool fresh = false;
  DirectionId& id = ids_.insert(tuple, no_direction, fresh);
  if (!fresh) return id;
  if (ids_.size() > most_) {
    ids_.erase(tuple);
    ++refused_;
    return no_direction;
  }
  if (free_.empty()) {
    id = static_cast<DirectionId>(arena_.size());
    arena_.emplace_back();
  } else {
    id = free_.back();
    free_.pop_back();
  }
  Direction& made = arena_[id];
  made.tuple = tuple;
  made.in_use = true;
  made.claimed_ms = now.monotonic_ms;
  return id;
}

void Directions::erase(DirectionId id) {
  ids_.erase(arena_[id].tuple);
  const std::uint32_t generation = arena_[id].generation + 1;
  std::destroy_at(&arena_[id]);
  std::construct_at(&arena_[id]);
  arena_[id].generation = generation;
  free_.push_back(id);
}

}  // namespace ofe::correlate
