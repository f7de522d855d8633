#include <config.h>

/* Control commands for ovs-appctl: OVS's unixctl server with commands of ours. */

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dirs.h"
#include "ovs-plugin/ovs/ovs.h"
#include "socket-util.h"
#include "unixctl.h"
#include "util.h"

struct ofe_ovs_server {
  struct unixctl_server* unixctl;
};

/* Whether somebody listens at path. Anything there that is not a socket is left alone: OVS would unlink it. */
static int check_path(const char* path) {
  struct stat status;
  if (stat(path, &status) < 0) {
    return errno == ENOENT ? 0 : errno;
  }
  if (!S_ISSOCK(status.st_mode)) {
    return EEXIST;
  }
  int fd = make_unix_socket(SOCK_STREAM, true, NULL, path);
  if (fd >= 0) {
    close(fd);
    return EADDRINUSE;
  }
  if (fd == -ECONNREFUSED || fd == -ENOENT) {
    return 0; /* stale */
  }
  return fd == -EPROTO ? EADDRINUSE /* make_unix_socket's word for a full backlog */ : -fd;
}

/* OVS's own report of this failure loses errno on its way. */
static int check_directory(const char* path) {
  char* directory = dir_name(path);
  int error = access(directory, W_OK | X_OK) < 0 ? errno : 0;
  free(directory);
  return error;
}

int ofe_ovs_server_open(const char* path, ofe_ovs_server** serverp) {
  *serverp = NULL;
  char* absolute = abs_file_name(ovs_rundir(), path);
  int error = check_directory(absolute);
  if (!error) {
    error = check_path(absolute);
  }
  struct unixctl_server* unixctl = NULL;
  if (!error) {
    error = unixctl_server_create(absolute, &unixctl);
  }
  free(absolute);
  if (error) {
    return error;
  }
  *serverp = xmalloc(sizeof **serverp);
  (*serverp)->unixctl = unixctl;
  return 0;
}

void ofe_ovs_server_run(ofe_ovs_server* server) {
  unixctl_server_run(server->unixctl);
}

void ofe_ovs_server_wait(ofe_ovs_server* server) {
  unixctl_server_wait(server->unixctl);
}

void ofe_ovs_server_close(ofe_ovs_server* server) {
  if (server) {
    unixctl_server_destroy(server->unixctl);
    free(server);
  }
}

/* OVS has no way to unregister a command: these live as long as the process. */
struct command {
  const char* name;
  ofe_ovs_command* run;
  void* context;
  struct command* next;
};
static struct command* commands;

static void run_command(struct unixctl_conn* conn, int argc, const char* argv[], void* aux) {
  const struct command* command = aux;
  command->run((ofe_ovs_request*)conn, argc, argv, command->context);
}

void ofe_ovs_command_register(const char* name, const char* usage, ofe_ovs_command* run, void* context) {
  struct command* command = commands;
  while (command && strcmp(command->name, name)) {
    command = command->next;
  }
  if (!command) {
    command = xmalloc(sizeof *command);
    command->name = name;
    command->next = commands;
    commands = command;
    unixctl_command_register(name, usage, 0, INT_MAX, run_command, command);
  }
  command->run = run;
  command->context = context;
}

void ofe_ovs_reply(ofe_ovs_request* request, const char* text) {
  unixctl_command_reply((struct unixctl_conn*)request, text);
}

void ofe_ovs_reply_error(ofe_ovs_request* request, const char* text) {
  unixctl_command_reply_error((struct unixctl_conn*)request, text);
}
