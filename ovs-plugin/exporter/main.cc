// ovs-flow-exporter: options, then the daemon.
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include "ovs-plugin/exporter/commands.h"
#include "ovs-plugin/exporter/exporter.h"
#include "ovs-plugin/exporter/log_sink.h"
#include "ovs-plugin/exporter/tls_collector.h"
#include "ovs-plugin/ovs/ovs.h"
#include "ovs-plugin/record/extra_elements.h"

namespace {

struct Options {
  std::string config_file;
  std::string node_name;
  std::string unixctl;
  std::string rundir;
  std::string database;
  std::optional<std::string> pidfile, log_file;
  bool detach = false, no_chdir = false, monitor = false, check_config = false;
};

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "localhost";
}

void declare(CLI::App& app, Options& options) {
  app.add_option("--config", options.config_file,
                 "Configuration: the agent's antrea-agent.conf, or a ConfigMap with it")
      ->required();
  app.add_option("--node-name", options.node_name, "Name of this Node (default: $NODE_NAME, else the host name)")
      ->envname("NODE_NAME");
  app.add_option("--unixctl", options.unixctl, "Control socket (default: ovs-flow-exporter.ctl in the run directory)");
  app.add_option("--ovs-rundir", options.rundir,
                 "Run directory of ovs-vswitchd (default: $OVS_RUNDIR, else OVS's own)");
  app.add_option("--db", options.database, "OVSDB (default: unix:db.sock in the run directory)");
  app.add_option("--pidfile", options.pidfile, "Write a pidfile (default name: in the run directory)")
      ->expected(0, 1)
      ->default_str("");
  app.add_option("--log-file", options.log_file, "Log to a file as well (default name: in OVS's log directory)")
      ->expected(0, 1)
      ->default_str("");
  app.add_flag("--detach", options.detach, "Run in the background");
  app.add_flag("--no-chdir", options.no_chdir, "Do not change the directory to /");
  app.add_flag("--monitor", options.monitor, "Restart the daemon when it crashes");
  app.add_flag("--check-config", options.check_config, "Print the effective configuration as YAML and exit");
  app.set_version_flag("--version", std::string("ovs-flow-exporter ") + OFE_VERSION + " (Open vSwitch library " +
                                        ofe_ovs_library_version() + ")");
  app.footer(
      "Example:\n  ovs-flow-exporter --config /etc/antrea/antrea-agent.conf --node-name worker-1\n"
      "  ovs-appctl -t /var/run/openvswitch/ovs-flow-exporter.ctl flow/list proto=tcp");
}

// A warning only: a Secret may be mounted later, and is looked for at every connect.
void warn_of_tls_files(const ofe::config::Config& settings) {
  for (const ofe::config::Collector& collector : settings.all_collectors()) {
    if (collector.protocol != ofe::config::CollectorProtocol::tls) continue;
    const auto context = ofe::make_tls_context(settings.tls, collector);
    if (context->refresh()) return;
    std::fprintf(stderr, "warning: ovsFlowExporter.tls: %s\n", context->stats().problem.c_str());
    return;  // all have the same files
  }
}

std::optional<ofe::config::Config> load(const std::string& path) {
  ofe::config::ParseResult parsed =
      ofe::config::load(path, {ofe::record::extra_element_names(), ofe::record::why_not_extra});
  for (const std::string& warning : parsed.warnings) std::fprintf(stderr, "warning: %s\n", warning.c_str());
  if (parsed.settings) warn_of_tls_files(*parsed.settings);
  for (const std::string& error : parsed.errors) std::fprintf(stderr, "error: %s\n", error.c_str());
  return parsed.settings;
}

std::string absolute(const std::string& path) {
  if (path.empty() || path[0] == '/') return path;
  char* directory = ::getcwd(nullptr, 0);
  const std::string full = std::string(directory != nullptr ? directory : ".") + "/" + path;
  std::free(directory);
  return full;
}

// Forks, so before any thread or socket.
int daemonize(const Options& options) {
  ofe_ovs_daemon_options daemon{};
  daemon.pidfile = options.pidfile ? options.pidfile->c_str() : nullptr;
  daemon.log_file = options.log_file ? options.log_file->c_str() : nullptr;
  daemon.detach = options.detach;
  daemon.no_chdir = options.no_chdir;
  daemon.monitor = options.monitor;
  return ofe_ovs_daemonize_start(&daemon);
}

int serve(const Options& options, ofe::config::Config settings) {
  const std::string rundir = ofe_ovs_rundir();
  const std::string socket = options.unixctl.empty() ? rundir + "/ovs-flow-exporter.ctl" : options.unixctl;
  const std::string database = options.database.empty() ? "unix:" + rundir + "/db.sock" : options.database;
  ofe_ovs_server* server = nullptr;
  if (const int error = ofe_ovs_server_open(socket.c_str(), &server)) {
    spdlog::error("control socket {}: {}", socket, ofe_ovs_strerror(error));
    return 1;
  }
  ofe::set_log_level(settings.log_level);
  {
    ofe::Exporter exporter({options.config_file, options.node_name, database}, std::move(settings));
    ofe::register_commands(exporter);
    ofe_ovs_daemonize_complete();
    spdlog::info("ovs-flow-exporter {} on Node {}: OVSDB {}, control socket {}", OFE_VERSION, options.node_name,
                 database, socket);
    exporter.run(server);
    ofe_ovs_server_close(server);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Network flow visibility for a Kubernetes Node that runs Open vSwitch", "ovs-flow-exporter");
  declare(app, options);
  CLI11_PARSE(app, argc, argv);
  options.config_file = absolute(options.config_file);
  if (options.node_name.empty()) options.node_name = host_name();

  auto settings = load(options.config_file);
  if (!settings) return 1;
  if (options.check_config) {
    std::fputs(ofe::config::to_yaml(*settings).c_str(), stdout);
    return 0;
  }
  ofe_ovs_init("ovs-flow-exporter", options.rundir.empty() ? nullptr : options.rundir.c_str());
  ofe::log_through_ovs();
  if (const int error = daemonize(options)) {
    std::fprintf(stderr, "error: log file: %s\n", ofe_ovs_strerror(error));
    return 1;
  }
  ofe_ovs_signals_install();
  return serve(options, std::move(*settings));
}
