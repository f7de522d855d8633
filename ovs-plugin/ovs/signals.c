#include <config.h>

/* Termination by signal, with time left to flush.
 *
 * OVS's own handler (lib/fatal-signal.c) makes the next poll_block() remove the pidfile and the sockets and raise the
 * signal again. Ours only leaves a note; OVS's hooks still run, from exit(). */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "fatal-signal.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "ovs-plugin/ovs/ovs.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(flow_exporter_signals);

static volatile sig_atomic_t requested;
static int wake_pipe[2] = {-1, -1}; /* so that a signal between the check and poll(2) is not slept over */

static void request_termination(int signal_number) {
  int saved_errno = errno;
  requested = signal_number;
  if (write(wake_pipe[1], "", 1) < 0) {
    /* Full: it wakes the loop already. */
  }
  errno = saved_errno;
}

void ofe_ovs_signals_install(void) {
  static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
  struct sigaction action = {.sa_handler = request_termination, .sa_flags = SA_RESTART};

  fatal_signal_init(); /* while there is one thread, as it insists; it replaces default handlers only */
  if (wake_pipe[0] < 0 && pipe2(wake_pipe, O_NONBLOCK | O_CLOEXEC) < 0) {
    VLOG_FATAL("pipe failed (%s)", ovs_strerror(errno));
  }
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
    if (sigaction(signals[i], &action, NULL) < 0) {
      VLOG_FATAL("sigaction(%d) failed (%s)", signals[i], ovs_strerror(errno));
    }
  }
}

bool ofe_ovs_termination_requested(void) {
  char drained[16];
  while (wake_pipe[0] >= 0 && read(wake_pipe[0], drained, sizeof drained) > 0) {
    /* Left readable, it would keep the loop from sleeping while the last records go out. */
  }
  return requested != 0;
}

void ofe_ovs_signals_wait(void) {
  if (wake_pipe[0] >= 0) {
    poll_fd_wait(wake_pipe[0], POLLIN);
  }
}
