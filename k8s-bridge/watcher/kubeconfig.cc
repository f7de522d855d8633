// https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
#include <absl/strings/escaping.h>
#include <absl/strings/str_join.h>
#include <fmt/format.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "k8s-bridge/watcher/api_access.h"
#include "k8s-bridge/watcher/read_file.h"

namespace ofe::watcher {

namespace {

constexpr std::size_t max_kubeconfig_octets = 4u << 20;

// Reads one kubeconfig; the first thing wrong is kept in error, what is read after it does not matter.
class Reader {
 public:
  Reader(std::string path, std::string& error) : path_(std::move(path)), error_(error) { error_.clear(); }

  bool read(ApiAccess& access) {
    std::string text;
    if (!read_file(path_, max_kubeconfig_octets, text, error_)) {
      error_ = fmt::format("kubeconfig: {}", error_);
      return false;
    }
    try {
      read_root(YAML::Load(text), access);
    } catch (const YAML::Exception& exception) {
      const bool placed = !exception.mark.is_null();
      fail(placed ? fmt::format("line {}", exception.mark.line + 1) : "", exception.msg);
    }
    return error_.empty();
  }

 private:
  void fail(std::string_view where, std::string_view what) {
    if (!error_.empty()) return;
    error_ = fmt::format("kubeconfig {}{}{}: {}", path_, where.empty() ? "" : ": ", where, what);
  }

  std::string text(const YAML::Node& map, const char* key, const std::string& where) {
    const YAML::Node value = map[key];
    if (!value || value.IsNull()) return "";
    if (value.IsScalar()) return value.Scalar();
    fail(where, fmt::format("{} is not a string", key));
    return "";
  }

  void read_root(const YAML::Node& root, ApiAccess& access) {
    if (!root.IsMap()) return fail("", "is not a map with clusters, users and contexts");
    const std::string current = text(root, "current-context", "");
    if (current.empty()) {
      return fail("", fmt::format("current-context is not set; contexts are: {}", names_in(root, "contexts")));
    }
    const YAML::Node context = named(root, "contexts", "context", current, "current-context");
    if (!error_.empty()) return;
    const std::string context_place = fmt::format("context \"{}\"", current);
    const std::string cluster_name = text(context, "cluster", context_place);
    const std::string user_name = text(context, "user", context_place);
    const YAML::Node cluster = named(root, "clusters", "cluster", cluster_name, context_place);
    if (!error_.empty()) return;
    read_cluster(cluster, fmt::format("cluster \"{}\"", cluster_name), access);
    if (user_name.empty()) return;  // anonymous
    const YAML::Node user = named(root, "users", "user", user_name, context_place);
    if (!error_.empty()) return;
    read_user(user, fmt::format("user \"{}\"", user_name), access);
  }

  static std::string names_in(const YAML::Node& root, const char* list) {
    std::vector<std::string> names;
    if (const YAML::Node items = root[list]; items && items.IsSequence()) {
      for (const YAML::Node& item : items) {
        if (item.IsMap() && item["name"] && item["name"].IsScalar()) names.push_back(item["name"].Scalar());
      }
    }
    return names.empty() ? "none" : absl::StrJoin(names, ", ");
  }

  YAML::Node named(const YAML::Node& root, const char* list, const char* member, const std::string& name,
                   const std::string& named_by) {
    if (const YAML::Node items = root[list]; items && items.IsSequence()) {
      for (const YAML::Node& item : items) {
        if (!item.IsMap() || !item["name"] || !item["name"].IsScalar() || item["name"].Scalar() != name) continue;
        const YAML::Node value = item[member];
        if (value && value.IsMap()) return value;
        fail(fmt::format("{} \"{}\"", list, name), fmt::format("has no {}", member));
        return {};
      }
    }
    fail(named_by, fmt::format("names \"{}\", which is not among {}: {}", name, list, names_in(root, list)));
    return {};
  }

  void read_cluster(const YAML::Node& cluster, const std::string& place, ApiAccess& access) {
    access.server = text(cluster, "server", place);
    if (!access.server.starts_with("https://") && !access.server.starts_with("http://")) {
      fail(place, fmt::format("server \"{}\" is not a URL of the form https://host:port", access.server));
    }
    read_file_or_data(cluster, "certificate-authority", place, access.ca_path, access.ca_data);
    access.tls_server_name = text(cluster, "tls-server-name", place);
    access.proxy_url = text(cluster, "proxy-url", place);
    const std::string insecure = text(cluster, "insecure-skip-tls-verify", place);
    if (!insecure.empty() && insecure != "true" && insecure != "false") {
      fail(place, fmt::format("insecure-skip-tls-verify \"{}\" is neither true nor false", insecure));
    }
    access.insecure_skip_tls_verify = insecure == "true";
    if (access.insecure_skip_tls_verify && !(access.ca_path.empty() && access.ca_data.empty())) {
      fail(place, "has both a certificate-authority and insecure-skip-tls-verify; use one of them");
    }
  }

  void read_user(const YAML::Node& user, const std::string& place, ApiAccess& access) {
    static constexpr std::array unsupported = {"exec", "auth-provider", "username", "password", "as", "as-uid"};
    for (const char* key : unsupported) {
      if (!user[key]) continue;
      return fail(
          place,
          fmt::format("{} is not supported; use token, tokenFile, or client-certificate(-data) with client-key(-data)",
                      key));
    }
    access.token = text(user, "token", place);
    access.token_path = existing_file(text(user, "tokenFile", place), "tokenFile", place);
    read_file_or_data(user, "client-certificate", place, access.client_certificate_path,
                      access.client_certificate_data);
    read_file_or_data(user, "client-key", place, access.client_key_path, access.client_key_data);
    const bool certificate = !(access.client_certificate_path.empty() && access.client_certificate_data.empty());
    const bool key = !(access.client_key_path.empty() && access.client_key_data.empty());
    if (certificate && !key) fail(place, "has a client-certificate and no client-key");
    if (key && !certificate) fail(place, "has a client-key and no client-certificate");
  }

  // key-data wins over key, as for kubectl.
  void read_file_or_data(const YAML::Node& map, const std::string& key, const std::string& place, std::string& path,
                         std::string& data) {
    const std::string encoded = text(map, (key + "-data").c_str(), place);
    if (encoded.empty()) {
      path = existing_file(text(map, key.c_str(), place), key, place);
    } else if (!absl::Base64Unescape(encoded, &data) || data.find("-----BEGIN ") == std::string::npos) {
      fail(place, fmt::format("{}-data is not PEM in base64", key));
    }
  }

  // Relative paths start at the folder of the kubeconfig.
  std::string existing_file(const std::string& name, std::string_view key, const std::string& place) {
    if (name.empty()) return "";
    std::string file = (std::filesystem::path(path_).parent_path() / name).string();
    if (::access(file.c_str(), R_OK) == 0) return file;
    fail(place, fmt::format("{}: cannot read {}: {}", key, file, std::strerror(errno)));
    return "";
  }

  std::string path_;
  std::string& error_;
};

}  // namespace

bool kubeconfig_access(const std::string& path, ApiAccess& access, std::string& error) {
  access = {};
  return Reader(path, error).read(access);
}

}  // namespace ofe::watcher
