#include <config.h>

/* Connections to another daemon's control socket (ovs-vswitchd's, above all). What is said there is not read by OVS's
 * own client, lib/unixctl.c: it blocks until all of an answer has come, and lib/jsonrpc.c keeps all of it in memory. */

#include <fcntl.h>
#include <sys/socket.h>

#include "ovs-plugin/ovs/ovs.h"
#include "socket-util.h"

int ofe_ovs_unixctl_connect(const char* path, int* fdp) {
  int fd = make_unix_socket(SOCK_STREAM, true, NULL, path); /* connects at once, or not at all */
  if (fd < 0) {
    *fdp = -1;
    return -fd;
  }
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  *fdp = fd;
  return 0;
}
