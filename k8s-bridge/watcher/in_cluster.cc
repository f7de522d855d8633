#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "k8s-bridge/watcher/api_access.h"

namespace ofe::watcher {

bool in_cluster_access(const std::string& account_folder, ApiAccess& access, std::string& error) {
  const char* host = std::getenv("KUBERNETES_SERVICE_HOST");
  const char* port = std::getenv("KUBERNETES_SERVICE_PORT");
  if (host == nullptr || *host == '\0' || port == nullptr || *port == '\0') {
    error =
        "not inside a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set; elsewhere, use "
        "--kubeconfig FILE or --static FILE.yaml";
    return false;
  }
  access = {};
  const bool v6 = std::strchr(host, ':') != nullptr;
  access.server = fmt::format("https://{}{}{}:{}", v6 ? "[" : "", host, v6 ? "]" : "", port);
  access.ca_path = fmt::format("{}/ca.crt", account_folder);
  access.token_path = fmt::format("{}/token", account_folder);
  for (const std::string& path : {access.ca_path, access.token_path}) {
    if (::access(path.c_str(), R_OK) == 0) continue;
    error = fmt::format("cannot read {}: {}; the Pod needs its service account's token (automountServiceAccountToken)",
                        path, std::strerror(errno));
    return false;
  }
  return true;
}

}  // namespace ofe::watcher
