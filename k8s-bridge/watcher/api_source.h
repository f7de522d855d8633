// The API server as a source: one KindWatch each for Pods, Services and Nodes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "k8s-bridge/watcher/kind_watch.h"
#include "k8s-bridge/watcher/source.h"

namespace ofe::watcher {

struct ApiSourceOptions {
  std::string node_name;
  bool remote_pods = false;  // list Pods of every Node once an exporter wants them
  KindWatchOptions watch;
  std::uint64_t seed = 0;  // of the waiting times' jitter
};

class ApiSource final : public Source {
 public:
  ApiSource(ApiSourceOptions options, HttpClient& http, ObjectStore& store);

  void run(const Now& now) override;
  SourceState state() const override;
  std::optional<std::int64_t> next_deadline_ms() const override;
  // Stays so for the life of the process: an exporter that reconnects should not cost the API server two lists.
  void want_pods_of_all_nodes() override;

  const KindWatch& watch(Kind kind) const;

 private:
  ApiSourceOptions options_;
  HttpClient& http_;
  const ObjectStore& store_;
  KindWatch pods_, services_, nodes_;
  bool synced_ = false;
};

}  // namespace ofe::watcher
