#include <config.h>

/* What a process using libopenvswitch sets up once: its name, OVS's run directory, the log destinations. */

#include <stdlib.h>

#include "dirs.h"
#include "fatal-signal.h"
#include "openvswitch/vlog.h"
#include "ovs-plugin/ovs/ovs.h"
#include "util.h"

void ofe_ovs_init(const char* program_name, const char* rundir) {
  if (rundir) {
    setenv("OVS_RUNDIR", rundir, 1); /* read once, by the first ovs_rundir() */
  }
  ovs_set_program_name(program_name, OFE_VERSION);
  fatal_ignore_sigpipe();

  /* vlog's default opens /dev/log before the first message; containers have none. */
  if (!getenv("OVS_SYSLOG_METHOD")) {
    vlog_set_syslog_method("null");
  }
  vlog_set_levels(NULL, VLF_SYSLOG, VLL_OFF);
  vlog_set_pattern(VLF_CONSOLE, "%D{%Y-%m-%dT%H:%M:%S.###Z}|%05N|%c%T|%p|%m"); /* as the file's, with milliseconds */
  vlog_init(); /* registers vlog/set and the like, before the first message */
}

const char* ofe_ovs_rundir(void) {
  return ovs_rundir();
}

const char* ofe_ovs_strerror(int error) {
  return ovs_retval_to_string(error);
}

const char* ofe_ovs_library_version(void) {
  return VERSION;
}
