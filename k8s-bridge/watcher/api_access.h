// How to reach an API server and prove who we are.
#pragma once

#include <string>

namespace ofe::watcher {

// Of each pair path and data at most one is set; data is PEM. Files are read again for every request: whoever renews
// them does nothing more.
struct ApiAccess {
  std::string server;            // https://host[:port][/prefix]
  std::string ca_path, ca_data;  // neither: the system's certificate authorities
  std::string client_certificate_path, client_certificate_data;
  std::string client_key_path, client_key_data;
  std::string token;            // bearer token; token_path wins
  std::string token_path;
  std::string tls_server_name;  // to verify instead of the server's host name
  std::string proxy_url;        // "": https_proxy and no_proxy of the environment say it, as libcurl reads them
  bool insecure_skip_tls_verify = false;
};

inline constexpr const char* service_account_folder = "/var/run/secrets/kubernetes.io/serviceaccount";

// From KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT and the service account's mounted files.
// False: error says what is missing.
bool in_cluster_access(const std::string& account_folder, ApiAccess& access, std::string& error);

// The current context of a kubeconfig file. False: error says what is wrong, where, and what is allowed. Credential
// plugins (exec, auth-provider), passwords and impersonation are not supported and refused by name.
bool kubeconfig_access(const std::string& path, ApiAccess& access, std::string& error);

}  // namespace ofe::watcher
