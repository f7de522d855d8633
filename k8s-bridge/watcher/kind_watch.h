// Keeps the store's objects of one kind in step with the API server: a list, then a watch from its resource version,
// again from the last version seen when the watch ends, from a new list when that version is too old. The list is the
// beginning of the watch where the server streams it (WatchList: Kubernetes 1.27, on by default since 1.32), and comes
// in pages elsewhere.
#pragma once

#include <absl/container/flat_hash_set.h>
#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "k8s-bridge/watcher/api_messages.h"
#include "k8s-bridge/watcher/backoff.h"
#include "k8s-bridge/watcher/bridge_counts.h"
#include "k8s-bridge/watcher/http_client.h"
#include "k8s-bridge/watcher/line_reader.h"
#include "k8s-bridge/watcher/object_store.h"

namespace ofe::watcher {

struct KindWatchOptions {
  bool ask_for_streams = true;  // once; a server that refuses is asked for pages
  unsigned page_limit = 500;    // objects in one page
  std::size_t max_page_octets = 64u << 20;
  std::size_t max_line_octets = 8u << 20;  // an object in etcd has at most about 1.5 MiB
  std::int64_t list_timeout_ms = 60'000;   // of one page
  std::int64_t watch_timeout_s = 300;      // the server is asked to end it then, ±10 %
  std::int64_t backoff_initial_ms = 500, backoff_max_ms = 30'000;
  std::int64_t retry_after_max_ms = 300'000;  // a server that asks for more is asked again then
};

class KindWatch final : public HttpHandler {
 public:
  KindWatch(Kind kind, HttpClient& http, ObjectStore& store, const KindWatchOptions& options, std::uint64_t seed);
  ~KindWatch() override;
  KindWatch(const KindWatch&) = delete;
  KindWatch& operator=(const KindWatch&) = delete;

  // Pods of this Node only; "": all. A change starts over with a list.
  void select_node(std::string node_name);
  const std::string& selected_node() const { return node_name_; }

  void run(const Now& now);
  std::optional<std::int64_t> next_deadline_ms() const;
  bool synced() const { return synced_; }                  // a complete list of the present selection was had
  bool forbidden() const { return forbidden_; }            // the last list was refused for want of permission (403)
  const std::string& problem() const { return problem_; }  // "" while all is well
  // Since when changes may have been missed; 0: a watch tells them, or there was no list yet.
  std::int64_t stale_since_wall_ms() const { return stale_since_wall_ms_; }
  const KindWatchStats& stats() const { return stats_; }

  void responding(long status, const Now& now) override;
  bool body(long status, std::string_view bytes, const Now& now) override;
  void finished(const HttpResult& result, const Now& now) override;

 private:
  enum class Step : std::uint8_t { stream, list, watch };  // stream: a list that becomes a watch

  std::string path() const;
  void start(const Now& now);
  bool take_line(std::string_view line, const Now& now);
  void take_object(WatchEvent& event, const Now& now);
  bool take_error(const WatchEvent& event);
  bool refuses_streams(long status) const;
  void list_complete(std::string resource_version, const Now& now);
  bool refuse(std::string problem);
  void list_page_done(const Now& now);
  void watch_done(const Now& now);
  void expired(const Now& now);
  void start_over();
  void fail(std::string problem, const Now& now, std::int64_t at_least_ms = 0);
  void recovered();
  void note_gap(const Now& now);
  void note_skipped(const std::string& what);

  Kind kind_;
  HttpClient& http_;
  ObjectStore& store_;
  KindWatchOptions options_;
  Backoff backoff_;
  std::string node_name_;

  bool streams_ = true;  // the server has not refused to
  Step step_ = Step::stream;
  std::optional<std::uint64_t> request_;
  std::int64_t retry_at_ms_ = 0;
  std::string continue_token_;               // within a list
  absl::flat_hash_set<std::string> listed_;  // keys, within a list
  std::string resource_version_;             // to watch from
  bool synced_ = false;
  bool forbidden_ = false;
  bool expired_before_ = false;  // since all was well
  std::string problem_;
  std::int64_t stale_since_wall_ms_ = 0;

  // Of the request that runs.
  std::string body_;
  LineReader lines_;
  std::string refused_;         // why we ended it
  bool expired_event_ = false;  // it ended with an ERROR event that says 410
  std::int64_t started_ms_ = 0;
  std::optional<std::int64_t> settles_ms_;  // a watch that is still open then is a good one
  std::uint64_t events_before_ = 0;
  simdjson::dom::parser parser_;
  KindWatchStats stats_;
};

}  // namespace ofe::watcher
