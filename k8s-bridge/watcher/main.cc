// k8s-bridge: wires source, store and server together, and turns the loop.
#include <poll.h>
#include <signal.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "k8s-bridge/watcher/api_source.h"
#include "k8s-bridge/watcher/http_client.h"
#include "k8s-bridge/watcher/metadata_server.h"
#include "k8s-bridge/watcher/object_store.h"
#include "k8s-bridge/watcher/options.h"
#include "k8s-bridge/watcher/static_source.h"

namespace ofe::watcher {
namespace {

constexpr std::int64_t longest_wait_ms = 60'000;

Now read_clock() {
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  return {duration_cast<milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count(),
          duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

// SIGTERM and SIGINT as a readable descriptor. Before libcurl starts a thread, which inherits the mask.
int open_signal_fd() {
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  sigprocmask(SIG_BLOCK, &ending, nullptr);
  return signalfd(-1, &ending, SFD_NONBLOCK | SFD_CLOEXEC);
}

bool find_access(const Options& options, ApiAccess& access, std::string& error) {
  if (!options.static_file.empty()) return true;
  if (options.kubeconfig.empty()) return in_cluster_access(service_account_folder, access, error);
  return kubeconfig_access(options.kubeconfig, access, error);
}

std::unique_ptr<Source> open_source(const Options& options, HttpClient& http, ObjectStore& store, std::string& error) {
  if (!options.static_file.empty()) {
    auto source = std::make_unique<StaticSource>(options.static_file, store);
    if (source->load(read_clock())) return source;
    error = source->problem();
    return nullptr;
  }
  ApiSourceOptions api;
  api.node_name = options.node_name;
  api.remote_pods = options.remote_pods;
  api.seed = std::random_device{}();
  return std::make_unique<ApiSource>(std::move(api), http, store);
}

// Not 0, which is nobody's.
std::uint64_t random_epoch() {
  std::random_device random;
  return (std::uint64_t{random()} << 32 | random()) | 1;
}

void report_refused(const StoreStats& stats, std::uint64_t& reported) {
  const std::uint64_t refused = stats.too_large + stats.over_limit;
  if (refused == reported) return;
  spdlog::warn("objects left out so far: {} too large, {} more than are kept", stats.too_large, stats.over_limit);
  reported = refused;
}

// Until a signal arrives; returns its number.
unsigned turn(Source& source, MetadataServer& server, ObjectStore& store, HttpClient& http, int signal_fd) {
  std::vector<pollfd> fds;
  std::uint64_t refused_reported = 0;
  while (true) {
    const Now now = read_clock();
    source.run(now);
    report_refused(store.stats(), refused_reported);
    server.run(now, store, source.state());
    if (server.wants_pods_of_all_nodes()) source.want_pods_of_all_nodes();

    std::int64_t wake_ms = now.monotonic_ms + longest_wait_ms;
    for (const auto& due : {source.next_deadline_ms(), server.next_deadline_ms(now)}) {
      wake_ms = std::min(wake_ms, due.value_or(wake_ms));
    }
    fds.assign({{signal_fd, POLLIN, 0}, {source.fd(), POLLIN, 0}});
    server.add_poll_fds(fds);
    http.poll(fds, wake_ms - read_clock().monotonic_ms);

    signalfd_siginfo signal{};
    if (read(signal_fd, &signal, sizeof signal) == sizeof signal) return signal.ssi_signo;
  }
}

int run(const Options& options) {
  const int signal_fd = open_signal_fd();
  ApiAccess access;
  std::string error;
  if (!find_access(options, access, error)) {
    spdlog::error("{}", error);
    return 1;
  }
  if (access.insecure_skip_tls_verify) spdlog::warn("the API server's certificate is not verified");
  ObjectStore store({}, random_epoch());
  HttpClient http(std::move(access));
  const auto source = open_source(options, http, store, error);
  ServerOptions server_options;
  server_options.socket_path = options.socket_path;
  server_options.node_name = options.node_name;
  const auto server = source ? MetadataServer::open(std::move(server_options), error) : nullptr;
  if (!server) {
    spdlog::error("{}", error);
    return 1;
  }
  spdlog::info("Node {}: serving {}", options.node_name, options.socket_path);
  const unsigned signal = turn(*source, *server, store, http, signal_fd);
  spdlog::info("signal {}: ending", signal);
  return 0;
}

}  // namespace
}  // namespace ofe::watcher

int main(int argc, char** argv) {
  int exit_code = 0;
  const auto options = ofe::watcher::parse_options(argc, argv, exit_code);
  if (!options) return exit_code;
  spdlog::set_default_logger(spdlog::stderr_color_mt("k8s-bridge"));
  spdlog::set_level(spdlog::level::from_str(options->log_level));
  return ofe::watcher::run(*options);
}
