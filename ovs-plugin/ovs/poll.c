#include <config.h>

/* OVS's poll loop and clock, under names a C++ file can use. */

#include "openvswitch/poll-loop.h"
#include "ovs-plugin/ovs/ovs.h"
#include "timeval.h"

void ofe_ovs_poll_fd_wait(int fd, short events) {
  poll_fd_wait(fd, events);
}

void ofe_ovs_poll_timer_wait_until(int64_t monotonic_ms) {
  poll_timer_wait_until(monotonic_ms);
}

void ofe_ovs_poll_immediate_wake(void) {
  poll_immediate_wake();
}

void ofe_ovs_poll_block(void) {
  poll_block();
}

int64_t ofe_ovs_monotonic_ms(void) {
  return time_msec();
}

int64_t ofe_ovs_wall_ms(void) {
  return time_wall_msec();
}
