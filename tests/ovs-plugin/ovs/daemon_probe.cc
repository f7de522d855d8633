// A small daemon over the library, for daemon_test: takes the road main() takes. When told to end it stays for
// another 200 ms, as the exporter does to send its last records, and writes how often its loop turned meanwhile.
//
//   ofe_ovs_daemon_probe FOLDER [detach] [monitor] [no-signals]
#include <sys/resource.h>

#include <fstream>
#include <set>
#include <string>

#include "ovs-plugin/ovs/ovs.h"

static ofe_ovs_server* server = nullptr;  // never closed: exit() is to remove its socket

int main(int argc, char** argv) {
  const std::string folder = argv[1];
  const std::set<std::string> words(argv + 2, argv + argc);
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);

  ofe_ovs_init("ofe-daemon-probe", folder.c_str());
  const std::string log_file = folder + "/probe.log";
  ofe_ovs_daemon_options options{};
  options.pidfile = "";
  options.detach = words.contains("detach");
  options.monitor = words.contains("monitor");
  options.log_file = log_file.c_str();
  if (ofe_ovs_daemonize_start(&options) != 0) return 2;
  if (!words.contains("no-signals")) ofe_ovs_signals_install();

  if (ofe_ovs_server_open("probe.ctl", &server) != 0) return 3;
  ofe_ovs_log(OFE_OVS_LOG_INFO, "100%s ready");
  ofe_ovs_log(OFE_OVS_LOG_DBG, "below the level");
  ofe_ovs_log_set_level(OFE_OVS_LOG_DBG);
  ofe_ovs_log(OFE_OVS_LOG_DBG, "of the level");
  ofe_ovs_log_set_level(OFE_OVS_LOG_OFF);
  ofe_ovs_log(OFE_OVS_LOG_ERR, "after switching off");
  ofe_ovs_daemonize_complete();

  std::int64_t leave_at = INT64_MAX;
  int turns = 0;
  while (ofe_ovs_monotonic_ms() < leave_at) {
    ofe_ovs_server_run(server);
    if (ofe_ovs_termination_requested()) {
      if (leave_at == INT64_MAX) leave_at = ofe_ovs_monotonic_ms() + 200;
      ++turns;
    }
    ofe_ovs_server_wait(server);
    ofe_ovs_signals_wait();
    if (leave_at != INT64_MAX) ofe_ovs_poll_timer_wait_until(leave_at);
    ofe_ovs_poll_block();
  }
  std::ofstream(folder + "/flushed") << turns << "\n";
  return 0;
}
