// The command line.
#pragma once

#include <optional>
#include <string>

namespace ofe::watcher {

struct Options {
  std::string kubeconfig;   // "": in-cluster
  std::string static_file;  // "": an API server
  std::string node_name;
  std::string socket_path = "/var/run/ovs-flow-exporter/metadata.sock";
  std::string log_level = "info";
  bool remote_pods = false;
};

// nullopt: the program is to end with exit_code; what there was to say has been printed.
std::optional<Options> parse_options(int argc, char** argv, int& exit_code);

}  // namespace ofe::watcher
