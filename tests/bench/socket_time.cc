#include "tests/bench/socket_time.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

namespace bench {
namespace {

std::atomic<std::int64_t> in_sockets_ns{0};

std::int64_t read_clock(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

template <class... Arguments>
ssize_t timed(long number, Arguments... arguments) {
  const std::int64_t before = read_clock(CLOCK_THREAD_CPUTIME_ID);
  const ssize_t result = syscall(number, arguments...);
  in_sockets_ns.fetch_add(read_clock(CLOCK_THREAD_CPUTIME_ID) - before, std::memory_order_relaxed);
  return result;
}

}  // namespace

CpuTime cpu_time() {
  return {read_clock(CLOCK_PROCESS_CPUTIME_ID), in_sockets_ns.load(std::memory_order_relaxed)};
}

}  // namespace bench

// In place of the C library's, also for libmnl and libnfnetlink.
extern "C" {
ssize_t recvmsg(int fd, msghdr* message, int flags) {
  return bench::timed(SYS_recvmsg, fd, message, flags);
}
int recvmmsg(int fd, mmsghdr* messages, unsigned count, int flags, timespec* timeout) {
  return static_cast<int>(bench::timed(SYS_recvmmsg, fd, messages, count, flags, timeout));
}
ssize_t recvfrom(int fd, void* buffer, size_t octets, int flags, sockaddr* address, socklen_t* length) {
  return bench::timed(SYS_recvfrom, fd, buffer, octets, flags, address, length);
}
ssize_t recv(int fd, void* buffer, size_t octets, int flags) {
  return bench::timed(SYS_recvfrom, fd, buffer, octets, flags, nullptr, nullptr);
}
ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  return bench::timed(SYS_sendmsg, fd, message, flags);
}
ssize_t sendto(int fd, const void* buffer, size_t octets, int flags, const sockaddr* address, socklen_t length) {
  return bench::timed(SYS_sendto, fd, buffer, octets, flags, address, length);
}
int poll(pollfd* descriptors, nfds_t count, int timeout_ms) {
  return static_cast<int>(bench::timed(SYS_poll, descriptors, count, timeout_ms));
}
}
