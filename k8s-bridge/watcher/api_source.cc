#include "k8s-bridge/watcher/api_source.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

namespace ofe::watcher {

ApiSource::ApiSource(ApiSourceOptions options, HttpClient& http, ObjectStore& store)
    : options_(std::move(options)),
      http_(http),
      store_(store),
      pods_(Kind::pod, http, store, options_.watch, options_.seed),
      services_(Kind::service, http, store, options_.watch, options_.seed + 1),
      nodes_(Kind::node, http, store, options_.watch, options_.seed + 2) {
  pods_.select_node(options_.node_name);
}

const KindWatch& ApiSource::watch(Kind kind) const {
  switch (kind) {
    case Kind::pod:
      return pods_;
    case Kind::service:
      return services_;
    case Kind::node:
      break;
  }
  return nodes_;
}

void ApiSource::run(const Now& now) {
  http_.run(now);
  for (KindWatch* watch : {&pods_, &services_, &nodes_}) watch->run(now);
  // What we may not see is not waited for: a missing permission costs the names of that kind and no others.
  bool any = false, complete = true;
  for (const KindWatch* watch : {&pods_, &services_, &nodes_}) {
    any = any || watch->synced();
    complete = complete && (watch->synced() || watch->forbidden());
  }
  // Once known, this Node's Pods stay known while those of all Nodes are listed.
  synced_ = synced_ || (any && complete);
}

SourceState ApiSource::state() const {
  SourceState state;
  state.synced = synced_;
  state.all_nodes_offered = options_.remote_pods;
  state.pods_of_node = pods_.selected_node();
  state.counts.pods = pods_.stats();
  state.counts.services = services_.stats();
  state.counts.nodes = nodes_.stats();
  state.pods_of_all_nodes = state.pods_of_node.empty() && (pods_.synced() || pods_.forbidden()) && synced_;
  for (const KindWatch* watch : {&pods_, &services_, &nodes_}) {
    const std::int64_t since = watch->forbidden() ? 0 : watch->stale_since_wall_ms();
    if (since != 0 && (state.stale_since_wall_ms == 0 || since < state.stale_since_wall_ms)) {
      state.stale_since_wall_ms = since;
    }
    if (watch->problem().empty()) continue;
    state.detail += fmt::format("{}{}", state.detail.empty() ? "" : "; ", watch->problem());
  }
  if (!synced_ && state.detail.empty()) state.detail = "the first lists have not arrived yet";
  if (synced_ && state.detail.empty() && !store_.contains(Kind::node, options_.node_name)) {
    state.detail = fmt::format("the cluster has no Node named {} (--node-name, NODE_NAME)", options_.node_name);
  }
  return state;
}

std::optional<std::int64_t> ApiSource::next_deadline_ms() const {
  std::optional<std::int64_t> deadline;
  for (const KindWatch* watch : {&pods_, &services_, &nodes_}) {
    const auto due = watch->next_deadline_ms();
    if (due && (!deadline || *due < *deadline)) deadline = due;
  }
  return deadline;
}

void ApiSource::want_pods_of_all_nodes() {
  if (!options_.remote_pods || pods_.selected_node().empty()) return;
  spdlog::info("an exporter asked for the Pods of every Node; listing them");
  pods_.select_node("");
}

}  // namespace ofe::watcher
