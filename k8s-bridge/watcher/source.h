// Where objects come from: the API server or a file. A source fills the store; it is driven by run(), and waits by
// fd() and next_deadline_ms() (the API source's connections are waited for by HttpClient::poll).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "k8s-bridge/watcher/bridge_counts.h"
#include "k8s-bridge/watcher/now.h"

namespace ofe::watcher {

struct SourceState {
  bool synced = false;                   // a complete list of what is always served, as far as it may be seen, was had
  bool pods_of_all_nodes = false;        // and of the Pods of every Node
  bool all_nodes_offered = false;        // pods_of_all_nodes is or will become true when an exporter wants it
  std::string pods_of_node;              // the one Node whose Pods are known; "": not restricted
  std::string detail;                    // what is wrong, or ""
  std::int64_t stale_since_wall_ms = 0;  // since when news may have been missed; 0: now everything is being told
  BridgeCounts counts;
};

class Source {
 public:
  virtual ~Source() = default;
  virtual void run(const Now& now) = 0;
  virtual SourceState state() const = 0;
  virtual int fd() const { return -1; }  // readable: run() has something to do
  virtual std::optional<std::int64_t> next_deadline_ms() const = 0;
  // An exporter asked for Pods of every Node.
  virtual void want_pods_of_all_nodes() {}
};

}  // namespace ofe::watcher
