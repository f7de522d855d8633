#include "k8s-bridge/watcher/static_source.h"

#include <absl/container/flat_hash_set.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <utility>

#include "k8s-bridge/watcher/read_file.h"
#include "k8s-bridge/watcher/static_objects.h"

namespace ofe::watcher {

namespace {

constexpr std::size_t max_skipped_logged = 20;  // lines per load

}  // namespace

StaticSource::StaticSource(std::string path, ObjectStore& store)
    : path_(std::move(path)), store_(store), watch_(path_) {}

StaticSource::FileIdentity StaticSource::identity() const {
  struct stat info {};
  if (stat(path_.c_str(), &info) != 0) return {};
  return {info.st_dev, info.st_ino, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
}

bool StaticSource::load(const Now& now) {
  ++stats_.loads;
  loaded_ = identity();  // before reading: an edit meanwhile is then seen as one
  std::string text;
  problem_.clear();
  if (read_file(path_, max_static_file_octets, text, problem_)) apply(text, now);
  if (problem_.empty()) return true;
  ++stats_.failed_loads;
  return false;
}

void StaticSource::apply(const std::string& text, const Now& now) {
  StaticObjects parsed;
  std::string error;
  if (!parse_static_objects(text, parsed, error)) {
    problem_ = fmt::format("{}: {}", path_, error);
    return;
  }
  for (std::size_t i = 0; i < std::min(parsed.skipped.size(), max_skipped_logged); ++i) {
    spdlog::warn("{}: skipped: {}", path_, parsed.skipped[i]);
  }
  if (parsed.skipped.size() > max_skipped_logged) {
    spdlog::warn("{}: skipped: {} more", path_, parsed.skipped.size() - max_skipped_logged);
  }
  std::array<absl::flat_hash_set<std::string>, all_kinds.size()> keys;
  for (Object& object : parsed.objects) {
    keys[object.index()].insert(key_of(object));
    store_.put(std::move(object), now.wall_ms);
  }
  for (const Kind kind : all_kinds) store_.retain(kind, keys[static_cast<std::size_t>(kind)], now.wall_ms);
  stats_.objects_skipped = parsed.skipped.size();
  stats_.objects_ignored = parsed.ignored;
  synced_ = true;
  spdlog::info("{}: {} Pods, {} Services, {} Nodes; {} objects skipped, {} of other kinds ignored", path_,
               store_.size(Kind::pod), store_.size(Kind::service), store_.size(Kind::node), parsed.skipped.size(),
               parsed.ignored);
}

void StaticSource::run(const Now& now) {
  if (watch_.changed() && !reload_at_ms_) reload_at_ms_ = now.monotonic_ms + settle_ms;
  if (!reload_at_ms_ || now.monotonic_ms < *reload_at_ms_) {
    if (!watch_.armed() && watch_.fd() >= 0 && !reload_at_ms_) reload_at_ms_ = now.monotonic_ms + folder_retry_ms;
    return;
  }
  reload_at_ms_.reset();
  const bool armed = watch_.arm();
  if (!armed) reload_at_ms_ = now.monotonic_ms + folder_retry_ms;
  if (synced_ && problem_.empty() && identity() == loaded_) return;  // something else in the folder
  const std::string before = problem_;
  if (!load(now) && problem_ != before) spdlog::error("{}; the objects read before stay in use", problem_);
}

SourceState StaticSource::state() const {
  SourceState state;
  state.synced = state.pods_of_all_nodes = synced_;
  state.all_nodes_offered = true;
  state.detail = problem_;
  if (!watch_.error().empty()) state.detail += fmt::format("{}{}", state.detail.empty() ? "" : "; ", watch_.error());
  return state;
}

}  // namespace ofe::watcher
