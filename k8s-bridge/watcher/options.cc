#include "k8s-bridge/watcher/options.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <climits>
#include <cstdlib>

namespace ofe::watcher {

namespace {

std::string default_node_name() {
  if (const char* name = std::getenv("NODE_NAME"); name != nullptr && *name != '\0') return name;
  char name[HOST_NAME_MAX + 1] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "";
}

}  // namespace

std::optional<Options> parse_options(int argc, char** argv, int& exit_code) {
  Options options;
  options.node_name = default_node_name();
  CLI::App app(
      "Tells ovs-flow-exporter about Pods, Services and Nodes, over a unix socket. Without --kubeconfig or --static, "
      "the API server of the cluster this runs in is asked.",
      "k8s-bridge");
  app.footer(
      "https_proxy and no_proxy of the environment are honoured. SIGTERM ends it cleanly.\n"
      "Examples:\n"
      "  k8s-bridge --node-name worker-1                                 in a Pod of the cluster\n"
      "  k8s-bridge --kubeconfig ~/.kube/config --node-name worker-1 --socket /tmp/metadata.sock\n"
      "  k8s-bridge --static objects.yaml --node-name worker-1           kubectl get -A pods,services,nodes -o yaml");
  auto* kubeconfig = app.add_option("--kubeconfig", options.kubeconfig, "Reach the API server as this file says");
  app.add_option("--static", options.static_file,
                 "Serve the Nodes, Pods and Services of this YAML file instead of an API server's; edits are followed")
      ->excludes(kubeconfig);
  app.add_option("--node-name", options.node_name, "The Node this runs on; else NODE_NAME, else the host name")
      ->capture_default_str();
  app.add_option("--socket", options.socket_path, "Where exporters connect")->capture_default_str();
  app.add_flag("--remote-pods", options.remote_pods,
               "Watch the Pods of every Node once an exporter asks for them, not only those of this Node");
  app.add_option("--log-level", options.log_level)
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error"}))
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error) == 0 ? 0 : 1;
    return std::nullopt;
  }
  return options;
}

}  // namespace ofe::watcher
