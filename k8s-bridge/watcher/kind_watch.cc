#include "k8s-bridge/watcher/kind_watch.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace ofe::watcher {

namespace {

constexpr std::size_t max_refusal_octets = 4096;   // kept of an answer other than 200
constexpr std::int64_t short_watch_ms = 1'000;     // one that ends sooner, without an event, is a failure
constexpr std::int64_t watch_grace_ms = 30'000;    // for the server to end a watch by itself
// Bookmarks come about once a minute. A server without them is listed anew at the end of each watch that had nothing to
// say: it may be one whose history was put back (etcd from a backup), which waits for the version we name to come again.
constexpr std::int64_t longest_silence_ms = 120'000;
constexpr std::uint64_t max_skipped_logged = 100;  // as warnings, in the life of the process
constexpr long http_ok = 200;
constexpr long http_bad_request = 400;
constexpr long http_unauthorized = 401;
constexpr long http_forbidden = 403;
constexpr long http_gone = 410;
constexpr long http_too_many_requests = 429;
constexpr long http_server_error = 500;

const char* plural(Kind kind) {
  switch (kind) {
    case Kind::pod:
      return "pods";
    case Kind::service:
      return "services";
    case Kind::node:
      return "nodes";
  }
  return "";
}

}  // namespace

KindWatch::KindWatch(Kind kind, HttpClient& http, ObjectStore& store, const KindWatchOptions& options,
                     std::uint64_t seed)
    : kind_(kind),
      http_(http),
      store_(store),
      options_(options),
      backoff_(options.backoff_initial_ms, options.backoff_max_ms, seed),
      streams_(options.ask_for_streams),
      lines_(options.max_line_octets) {
  start_over();
}

KindWatch::~KindWatch() {
  if (request_) http_.cancel(*request_);
}

void KindWatch::select_node(std::string node_name) {
  if (node_name == node_name_) return;
  node_name_ = std::move(node_name);
  if (request_) http_.cancel(*std::exchange(request_, std::nullopt));
  start_over();
  synced_ = false;
  stale_since_wall_ms_ = 0;
  settles_ms_.reset();
  retry_at_ms_ = 0;
}

void KindWatch::start_over() {
  step_ = streams_ ? Step::stream : Step::list;
  continue_token_.clear();
  listed_.clear();
}

std::string KindWatch::path() const {
  std::string path = fmt::format("/api/v1/{}?", plural(kind_));
  if (!node_name_.empty()) {
    path += fmt::format("fieldSelector={}&", HttpClient::escape(fmt::format("spec.nodeName={}", node_name_)));
  }
  if (step_ == Step::watch) {
    return fmt::format("{}watch=1&allowWatchBookmarks=true&resourceVersion={}", path,
                       HttpClient::escape(resource_version_));
  }
  if (step_ == Step::stream) {
    return path + "watch=1&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
  }
  path += fmt::format("limit={}", options_.page_limit);
  if (!continue_token_.empty()) path += fmt::format("&continue={}", HttpClient::escape(continue_token_));
  return path;
}

void KindWatch::run(const Now& now) {
  if (!request_ && now.monotonic_ms >= retry_at_ms_) start(now);
  if (settles_ms_ && now.monotonic_ms >= *settles_ms_) recovered();
}

void KindWatch::start(const Now& now) {
  body_.clear();
  if (step_ == Step::stream) listed_.clear();
  lines_.reset();
  refused_.clear();
  expired_event_ = false;
  started_ms_ = now.monotonic_ms;
  settles_ms_.reset();
  events_before_ = stats_.events + stats_.bookmarks;
  std::string target = path();
  std::int64_t timeout_ms = options_.list_timeout_ms;
  if (step_ != Step::list) {
    const std::int64_t tenth = options_.watch_timeout_s / 10;
    const std::int64_t seconds = options_.watch_timeout_s + backoff_.between(-tenth, tenth);
    target += fmt::format("&timeoutSeconds={}", seconds);
    timeout_ms = seconds * 1000 + watch_grace_ms;
    ++stats_.watches;
  } else {
    ++stats_.pages;
  }
  std::string error;
  request_ = http_.start(target, timeout_ms, *this, error);
  if (!request_) fail(std::move(error), now);
}

void KindWatch::responding(long status, const Now& now) {
  if (step_ == Step::watch && status == http_ok) settles_ms_ = now.monotonic_ms + short_watch_ms;
}

bool KindWatch::body(long status, std::string_view bytes, const Now& now) {
  if (status != http_ok) {
    body_ += bytes.substr(0, max_refusal_octets - std::min(max_refusal_octets, body_.size()));
    return true;
  }
  if (step_ == Step::list) {
    if (body_.size() + bytes.size() > options_.max_page_octets) {
      return refuse(
          fmt::format("a page of {} objects has more than {} octets", options_.page_limit, options_.max_page_octets));
    }
    body_ += bytes;
    return true;
  }
  if (lines_.feed(bytes, [&](std::string_view line) { return take_line(line, now); })) return true;
  if (lines_.too_long()) refuse(fmt::format("an event has more than {} octets", options_.max_line_octets));
  return false;
}

// The request ends, and what follows is a new list: what cannot be read here would come again from the same version.
bool KindWatch::refuse(std::string problem) {
  ++stats_.malformed;
  refused_ = std::move(problem);
  start_over();
  return false;
}

bool KindWatch::take_line(std::string_view line, const Now& now) {
  WatchEvent event;
  std::string error;
  if (!parse_watch_event(kind_, line, parser_, event, error)) {
    return refuse(fmt::format("an event cannot be read: {}", error));
  }
  if (event.type == WatchEvent::Type::error) return take_error(event);
  take_object(event, now);
  switch (event.type) {
    case WatchEvent::Type::bookmark:
      ++stats_.bookmarks;
      break;
    case WatchEvent::Type::unknown:
      ++stats_.unknown_events;
      break;
    default:
      ++stats_.events;
  }
  if (step_ == Step::stream) {
    if (event.initial_events_end) {
      ++stats_.streamed_lists;
      list_complete(std::move(event.resource_version), now);
      recovered();
    }
    return true;
  }
  if (!event.resource_version.empty()) resource_version_ = std::move(event.resource_version);
  recovered();
  return true;
}

void KindWatch::take_object(WatchEvent& event, const Now& now) {
  if (event.object) {
    if (step_ == Step::stream) listed_.insert(key_of(*event.object));
    store_.put(std::move(*event.object), now.wall_ms);
  }
  if (!event.removed_key.empty()) {
    listed_.erase(event.removed_key);
    store_.remove(kind_, event.removed_key, now.wall_ms);
  }
  if (!event.skipped.empty()) note_skipped(event.skipped);
}

bool KindWatch::take_error(const WatchEvent& event) {
  expired_event_ = event.error_code == http_gone;
  refused_ = fmt::format("the server ended the watch: {} {}", event.error_code, event.error_message);
  return false;
}

void KindWatch::finished(const HttpResult& result, const Now& now) {
  request_.reset();
  settles_ms_.reset();
  if (expired_event_ || result.status == http_gone) return expired(now);
  if (!refused_.empty()) return fail(refused_, now);
  if (step_ == Step::stream && refuses_streams(result.status)) {
    streams_ = false;
    start_over();
    return start(now);
  }
  forbidden_ = step_ == Step::list && result.status == http_forbidden;
  if (result.status != 0 && result.status != http_ok) {
    std::string message = status_message(body_);
    return fail(fmt::format("HTTP {}{}{}", result.status, message.empty() ? "" : ": ", message), now,
                std::min(result.retry_after_ms.value_or(0), options_.retry_after_max_ms));
  }
  if (!result.error.empty()) return fail(result.error, now);
  if (step_ == Step::list) return list_page_done(now);
  if (step_ == Step::stream) {
    start_over();
    return fail("the stream ended before the list was whole", now);
  }
  watch_done(now);
}

// An older server knows no such watch (422, or 400), a role may allow to list only (403). What is no word about it: who
// we are, too many requests, and trouble of the server's own.
bool KindWatch::refuses_streams(long status) const {
  return status >= http_bad_request && status < http_server_error && status != http_unauthorized &&
         status != http_too_many_requests;
}

void KindWatch::list_page_done(const Now& now) {
  ListPage page;
  std::string error;
  if (!parse_list_page(kind_, body_, page, error)) {
    ++stats_.malformed;
    return fail(fmt::format("a list cannot be read: {}", error), now);
  }
  body_ = {};  // megabytes, not needed again before the next list
  for (Object& object : page.objects) {
    listed_.insert(key_of(object));
    store_.put(std::move(object), now.wall_ms);
  }
  for (const std::string& what : page.skipped) note_skipped(what);
  problem_.clear();
  retry_at_ms_ = now.monotonic_ms;
  continue_token_ = std::move(page.continue_token);
  if (!continue_token_.empty()) return start(now);

  list_complete(std::move(page.resource_version), now);
  start(now);
}

void KindWatch::list_complete(std::string resource_version, const Now& now) {
  store_.retain(kind_, listed_, now.wall_ms);
  start_over();
  ++stats_.lists;
  spdlog::info("{}: {} listed, at version {}", plural(kind_), store_.size(kind_), resource_version);
  resource_version_ = std::move(resource_version);
  synced_ = true;
  forbidden_ = false;
  step_ = Step::watch;
}

void KindWatch::watch_done(const Now& now) {
  const bool silent = stats_.events + stats_.bookmarks == events_before_;
  if (silent && now.monotonic_ms - started_ms_ < short_watch_ms) return fail("a watch ended at once", now);
  if (silent && now.monotonic_ms - started_ms_ >= longest_silence_ms) {
    spdlog::info("{}: a watch without a word, not even a bookmark: listing again", plural(kind_));
    start_over();
  }
  // The rest of a line without its end is an event cut off; it comes again.
  recovered();
  retry_at_ms_ = now.monotonic_ms;
  start(now);
}

void KindWatch::expired(const Now& now) {
  ++stats_.expired;
  note_gap(now);
  start_over();
  // The server answers, however long it was away before. Only one that says so again and again is asked less often.
  if (!std::exchange(expired_before_, true)) backoff_.reset();
  retry_at_ms_ = now.monotonic_ms + backoff_.next_ms();
  spdlog::info("{}: the version to go on from is too old, listing again", plural(kind_));
}

void KindWatch::fail(std::string problem, const Now& now, std::int64_t at_least_ms) {
  ++stats_.failures;
  note_gap(now);
  const std::int64_t wait_ms = std::max(backoff_.next_ms(), at_least_ms);
  retry_at_ms_ = now.monotonic_ms + wait_ms;
  problem = fmt::format("{}: {}{}", plural(kind_), step_ == Step::watch ? "watch: " : "list: ", problem);
  // The same again is news to nobody.
  spdlog::log(problem == problem_ ? spdlog::level::debug : spdlog::level::warn, "{}; next attempt in {} ms", problem,
              wait_ms);
  problem_ = std::move(problem);
}

void KindWatch::recovered() {
  problem_.clear();
  backoff_.reset();
  expired_before_ = false;
  settles_ms_.reset();
  stale_since_wall_ms_ = 0;
}

void KindWatch::note_gap(const Now& now) {
  if (synced_ && stale_since_wall_ms_ == 0) stale_since_wall_ms_ = now.wall_ms;
}

void KindWatch::note_skipped(const std::string& what) {
  ++stats_.skipped;
  spdlog::log(stats_.skipped <= max_skipped_logged ? spdlog::level::warn : spdlog::level::debug, "skipped: {}", what);
}

std::optional<std::int64_t> KindWatch::next_deadline_ms() const {
  if (request_) return settles_ms_;
  return retry_at_ms_;
}

}  // namespace ofe::watcher
