/* A wall clock that can be set, for one process: LD_PRELOAD=clock_shim.so with OFE_CLOCK_STEPS=FILE.
 *
 * The file is shared memory: how many times the clock was set (int64), then for each the true time at which it was set and
 * the offset from then on (int64 nanoseconds both). CLOCK_REALTIME of the process is shifted by the last offset; the start
 * and stop times in conntrack's messages by the one that held at that time, as a kernel on that clock would have stamped
 * them. CLOCK_MONOTONIC is left alone, as setting the clock leaves it alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <endian.h>
#include <fcntl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000LL
#define MAX_STEPS 255

struct steps {
  _Atomic int64_t count;
  struct {
    int64_t at_ns, offset_ns;
  } step[MAX_STEPS];
};

static const struct steps* steps;

__attribute__((constructor)) static void open_steps(void) {
  const char* path = getenv("OFE_CLOCK_STEPS");
  int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void* mapped = mmap(NULL, sizeof *steps, PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  if (mapped != MAP_FAILED) steps = mapped;
}

/* What the clock showed at that true time, less that time. */
static int64_t offset_at(int64_t true_ns) {
  int64_t offset_ns = 0;
  int64_t count = steps ? atomic_load(&steps->count) : 0;
  for (int64_t i = 0; i < count && steps->step[i].at_ns <= true_ns; ++i) offset_ns = steps->step[i].offset_ns;
  return offset_ns;
}

static int64_t wall_ns(clockid_t clock) {
  struct timespec true_time;
  syscall(SYS_clock_gettime, clock, &true_time);
  int64_t true_ns = true_time.tv_sec * NS_PER_S + true_time.tv_nsec;
  return true_ns + offset_at(true_ns);
}

int clock_gettime(clockid_t clock, struct timespec* time) {
  if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE) return (int)syscall(SYS_clock_gettime, clock, time);
  int64_t ns = wall_ns(clock);
  time->tv_sec = ns / NS_PER_S;
  time->tv_nsec = ns % NS_PER_S;
  return 0;
}

int gettimeofday(struct timeval* time, void* zone) {
  (void)zone;
  int64_t ns = wall_ns(CLOCK_REALTIME);
  time->tv_sec = ns / NS_PER_S;
  time->tv_usec = ns % NS_PER_S / 1000;
  return 0;
}

time_t time(time_t* to) {
  time_t seconds = wall_ns(CLOCK_REALTIME) / NS_PER_S;
  if (to) *to = seconds;
  return seconds;
}

static void shift_times(char* at, const char* end) {
  while (at + NLA_HDRLEN <= end) {
    struct nlattr attribute;
    memcpy(&attribute, at, sizeof attribute);
    if (attribute.nla_len < NLA_HDRLEN || at + attribute.nla_len > end) return;
    if (attribute.nla_len == NLA_HDRLEN + sizeof(uint64_t)) {
      uint64_t stamp;
      memcpy(&stamp, at + NLA_HDRLEN, sizeof stamp);
      int64_t true_ns = (int64_t)be64toh(stamp);
      stamp = htobe64((uint64_t)(true_ns + offset_at(true_ns)));
      memcpy(at + NLA_HDRLEN, &stamp, sizeof stamp);
    }
    at += NLA_ALIGN(attribute.nla_len);
  }
}

static void shift_message(struct nlmsghdr* message) {
  char* end = (char*)message + message->nlmsg_len;
  char* at = (char*)NLMSG_DATA(message) + NLMSG_ALIGN(sizeof(struct nfgenmsg));
  while (at + NLA_HDRLEN <= end) {
    struct nlattr attribute;
    memcpy(&attribute, at, sizeof attribute);
    if (attribute.nla_len < NLA_HDRLEN || at + attribute.nla_len > end) return;
    if ((attribute.nla_type & NLA_TYPE_MASK) == CTA_TIMESTAMP) shift_times(at + NLA_HDRLEN, at + attribute.nla_len);
    at += NLA_ALIGN(attribute.nla_len);
  }
}

static ssize_t shifted(int socket, void* octets, ssize_t received) {
  int domain = 0, protocol = 0;
  socklen_t length = sizeof domain;
  if (received <= 0 || getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &domain, &length) != 0 || domain != AF_NETLINK ||
      getsockopt(socket, SOL_SOCKET, SO_PROTOCOL, &protocol, &length) != 0 || protocol != NETLINK_NETFILTER) {
    return received;
  }
  int left = (int)received;
  for (struct nlmsghdr* m = octets; NLMSG_OK(m, (unsigned)left); m = NLMSG_NEXT(m, left)) {
    if (NFNL_SUBSYS_ID(m->nlmsg_type) == NFNL_SUBSYS_CTNETLINK) shift_message(m);
  }
  return received;
}

ssize_t recvmsg(int socket, struct msghdr* message, int flags) {
  ssize_t received = syscall(SYS_recvmsg, socket, message, flags);
  return shifted(socket, message->msg_iov ? message->msg_iov->iov_base : NULL, received);
}

ssize_t recvfrom(int socket, void* octets, size_t size, int flags, struct sockaddr* from, socklen_t* length) {
  return shifted(socket, octets, syscall(SYS_recvfrom, socket, octets, size, flags, from, length));
}

ssize_t recv(int socket, void* octets, size_t size, int flags) {
  return recvfrom(socket, octets, size, flags, NULL, NULL);
}

int recvmmsg(int socket, struct mmsghdr* messages, unsigned count, int flags, struct timespec* timeout) {
  int received = (int)syscall(SYS_recvmmsg, socket, messages, count, flags, timeout);
  for (int i = 0; i < received; ++i) {
    shifted(socket, messages[i].msg_hdr.msg_iov->iov_base, (ssize_t)messages[i].msg_len);
  }
  return received;
}
