#include <config.h>

/* The exporter's log lines, as a vlog module beside OVS's own. */

#include "openvswitch/vlog.h"
#include "ovs-plugin/ovs/ovs.h"

VLOG_DEFINE_THIS_MODULE(flow_exporter);

static enum vlog_level vlog_level_of(enum ofe_ovs_log_level level) {
  switch (level) {
    case OFE_OVS_LOG_OFF:
      return VLL_OFF;
    case OFE_OVS_LOG_EMER:
      return VLL_EMER;
    case OFE_OVS_LOG_ERR:
      return VLL_ERR;
    case OFE_OVS_LOG_WARN:
      return VLL_WARN;
    case OFE_OVS_LOG_INFO:
      return VLL_INFO;
    case OFE_OVS_LOG_DBG:
      return VLL_DBG;
  }
  return VLL_DBG;
}

void ofe_ovs_log(enum ofe_ovs_log_level level, const char* message) {
  if (level != OFE_OVS_LOG_OFF) { /* for a message, vlog's "off" means "always" */
    VLOG(vlog_level_of(level), "%s", message);
  }
}

void ofe_ovs_log_set_level(enum ofe_ovs_log_level level) {
  vlog_set_levels(NULL, VLF_CONSOLE, vlog_level_of(level));
  vlog_set_levels(NULL, VLF_FILE, vlog_level_of(level));
  /* At debug, vconn puts every OpenFlow message into words, thousands of rules at a time. vlog/set can still ask for it. */
  struct vlog_module* const messages = vlog_module_from_name("vconn"); /* NULL: not linked */
  if (level == OFE_OVS_LOG_DBG && messages != NULL) {
    vlog_set_levels(messages, VLF_CONSOLE, VLL_INFO);
    vlog_set_levels(messages, VLF_FILE, VLL_INFO);
  }
}
