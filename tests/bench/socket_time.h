// How much CPU time the process spent inside socket calls, to the nanosecond.
//
// The kernel's own division into user and system time is an estimate where it counts ticks (CONFIG_TICK_CPU_ACCOUNTING,
// Debian's and most others' choice): 4 ms a sample. Only the sum of the two is exact. So this program wraps the socket
// calls that its libraries make, and reads the thread's CPU clock before and after each: what is left of the process's
// CPU time is what user space spent, page faults of its own memory included. A reading costs about 0.2 µs and a dump
// has one call for a hundred entries.
#pragma once

#include <cstdint>

namespace bench {

struct CpuTime {
  std::int64_t total_ns = 0;
  std::int64_t sockets_ns = 0;  // of it inside send, receive and poll calls, all threads

  std::int64_t user_ns() const { return total_ns - sockets_ns; }
  CpuTime operator-(const CpuTime& earlier) const {
    return {total_ns - earlier.total_ns, sockets_ns - earlier.sockets_ns};
  }
};

// Of the process so far.
CpuTime cpu_time();

}  // namespace bench
