// CPU time of the process so far, user and system together: their sum is exact, without the readings around every
// socket call that socket_time.h needs to tell them apart.
#pragma once

#include <time.h>

#include <cstdint>

namespace bench {

inline std::int64_t process_cpu_ns() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

}  // namespace bench
