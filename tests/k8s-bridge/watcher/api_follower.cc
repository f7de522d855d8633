// api_follower KUBECONFIG NODE: the bridge's API source, the frames an exporter gets and the exporter's directory in
// one process, with waits of milliseconds between attempts, so that a test can break thousands of answers. For every
// line on standard input it prints what the directory holds.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "flowstore/address.h"
#include "k8s-bridge/directory/directory.h"
#include "k8s-bridge/watcher/api_access.h"
#include "k8s-bridge/watcher/api_source.h"
#include "k8s-bridge/watcher/exporter_feed.h"
#include "proto/frame.h"

namespace ofe::watcher {
namespace {

using nlohmann::json;

Now read_clock() {
  using namespace std::chrono;
  return {duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count(),
          duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count()};
}

json texts_of(const std::vector<k8s::Address>& addresses) {
  std::vector<std::string> texts;
  for (const k8s::Address& address : addresses) texts.push_back(flowstore::to_string(address));
  std::ranges::sort(texts);
  return texts;
}

void append(json& list, const json& more) {
  for (const json& item : more) list.push_back(item);
}

class Follower {
 public:
  Follower(const ApiAccess& access, const std::string& node)
      : http_(access), source_(options_for(node), http_, store_), feed_(hello_of(node), store_) {}

  void turn() {
    const Now now = read_clock();
    source_.run(now);
    bool more = true;
    while (more) {
      std::string octets;
      more = feed_.fill(octets, 1 << 20, source_.state(), now);
      frames_.feed({octets.data(), octets.size()});
      for (metadata::v1::Frame frame; frames_.next(frame);) take(frame, now.wall_ms);
    }
    store_.forget_removals(feed_.needs_removals_after().value_or(0));
    const std::int64_t due_ms = source_.next_deadline_ms().value_or(now.monotonic_ms + 1'000);
    http_.poll({{STDIN_FILENO, POLLIN, 0}}, std::max<std::int64_t>(0, due_ms - read_clock().monotonic_ms));
  }

  void print() const {
    json pods = json::array(), services = json::array(), nodes = json::array();
    directory_.each_pod([&](const k8s::Pod& pod) {
      json line = {pod.pod_namespace + "/" + pod.name, pod.uid};
      append(line, texts_of(pod.addresses));
      pods.push_back(line);
      return true;
    });
    directory_.each_service([&](const k8s::Service& service) {
      json line = {service.service_namespace + "/" + service.name, service.type};
      append(line, texts_of(service.cluster_ips));
      for (const k8s::ServicePort& port : service.ports) {
        line.push_back(fmt::format("{}:{}/{}:{}", port.name, port.port, port.protocol, port.node_port));
      }
      services.push_back(line);
      return true;
    });
    directory_.each_node([&](const k8s::Node& node) {
      json line = {node.name};
      for (const k8s::Cidr& cidr : node.pod_cidrs) {
        line.push_back(flowstore::to_string(flowstore::Prefix{cidr.network, cidr.prefix_length}));
      }
      nodes.push_back(line);
      return true;
    });
    std::puts(json{{"pods", pods}, {"services", services}, {"nodes", nodes}, {"stats", stats()}}.dump().c_str());
    std::fflush(stdout);
  }

 private:
  static ApiSourceOptions options_for(const std::string& node) {
    ApiSourceOptions options;
    options.node_name = node;
    options.watch.page_limit = 20;
    options.watch.backoff_initial_ms = 2;
    options.watch.backoff_max_ms = 20;
    return options;
  }
  static metadata::v1::Hello hello_of(const std::string& node) {
    metadata::v1::Hello hello;
    hello.set_protocol_version(metadata::protocol_version);
    hello.set_node_name(node);
    return hello;
  }
  void take(const metadata::v1::Frame& frame, std::int64_t wall_ms) {
    if (frame.has_snapshot_begin()) directory_.begin_snapshot();
    if (frame.has_update()) directory_.apply(frame.update(), wall_ms);
    if (frame.has_snapshot_end()) directory_.end_snapshot(wall_ms);
  }
  json stats() const {
    KindWatchStats all;
    for (const Kind kind : all_kinds) {
      const KindWatchStats& of = source_.watch(kind).stats();
      all.lists += of.lists, all.watches += of.watches, all.events += of.events, all.expired += of.expired;
      all.failures += of.failures, all.malformed += of.malformed, all.skipped += of.skipped;
    }
    return {{"lists", all.lists},       {"watches", all.watches},
            {"events", all.events},     {"expired", all.expired},
            {"failures", all.failures}, {"malformed", all.malformed},
            {"skipped", all.skipped},   {"invalid", directory_.stats().invalid}};
  }

  HttpClient http_;
  ObjectStore store_;
  ApiSource source_;
  ExporterFeed feed_;
  metadata::FrameReader frames_;
  k8s::Directory directory_;
};

int run(const std::string& kubeconfig, const std::string& node) {
  ApiAccess access;
  std::string error;
  if (!kubeconfig_access(kubeconfig, access, error)) {
    std::fprintf(stderr, "api_follower: %s\n", error.c_str());
    return 1;
  }
  spdlog::set_level(spdlog::level::off);
  fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
  Follower follower(access, node);
  while (true) {
    follower.turn();
    char line[64];
    const ssize_t got = read(STDIN_FILENO, line, sizeof line);
    if (got == 0) return 0;
    if (got > 0) follower.print();
  }
}

}  // namespace
}  // namespace ofe::watcher

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: api_follower KUBECONFIG NODE\n");
    return 2;
  }
  return ofe::watcher::run(argv[1], argv[2]);
}
