#include <config.h>

/* --pidfile, --detach, --monitor and --log-file, as every OVS daemon has them. */

#include "daemon.h"
#include "openvswitch/vlog.h"
#include "ovs-plugin/ovs/ovs.h"

static const char* named_or_default(const char* name) {
  return name[0] ? name : NULL;
}

int ofe_ovs_daemonize_start(const struct ofe_ovs_daemon_options* options) {
  if (options->log_file) {
    int error = vlog_set_log_file(named_or_default(options->log_file));
    if (error) {
      return error;
    }
  }
  if (options->pidfile) {
    set_pidfile(named_or_default(options->pidfile));
  }
  if (options->no_chdir) {
    set_no_chdir();
  }
  if (options->detach) {
    set_detach();
  }
  if (options->monitor) {
    daemon_set_monitor();
  }
  daemonize_start(false);
  return 0;
}

void ofe_ovs_daemonize_complete(void) {
  daemonize_complete();
}
