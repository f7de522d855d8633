// The time of one turn of the loop, read once and passed down: below main nothing asks a clock.
#pragma once

#include <cstdint>

namespace ofe::watcher {

struct Now {
  std::int64_t monotonic_ms = 0;  // deadlines
  std::int64_t wall_ms = 0;       // what is told to others; since 1970
};

}  // namespace ofe::watcher
