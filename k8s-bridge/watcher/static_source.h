// Objects from a file, followed through its edits. An edit that cannot be read or parsed is reported, and the objects
// of the last good one stay.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>

#include "k8s-bridge/watcher/file_watch.h"
#include "k8s-bridge/watcher/object_store.h"
#include "k8s-bridge/watcher/source.h"

namespace ofe::watcher {

inline constexpr std::size_t max_static_file_octets = 64u << 20;
inline constexpr std::int64_t settle_ms = 50;           // an edit is several notices; read once
inline constexpr std::int64_t folder_retry_ms = 1'000;  // while the file's folder is not there

struct StaticStats {
  std::uint64_t loads = 0, failed_loads = 0;
  std::uint64_t objects_skipped = 0, objects_ignored = 0;  // in the present contents
};

class StaticSource final : public Source {
 public:
  StaticSource(std::string path, ObjectStore& store);

  // Reads the file now, changed or not. False: problem() says why.
  bool load(const Now& now);
  void run(const Now& now) override;
  SourceState state() const override;
  int fd() const override { return watch_.fd(); }
  std::optional<std::int64_t> next_deadline_ms() const override { return reload_at_ms_; }

  const std::string& problem() const { return problem_; }
  const StaticStats& stats() const { return stats_; }

 private:
  struct FileIdentity {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = -1;
    std::int64_t modified_s = 0, modified_ns = 0;
    bool operator==(const FileIdentity&) const = default;
  };
  FileIdentity identity() const;
  void apply(const std::string& text, const Now& now);

  std::string path_;
  ObjectStore& store_;
  FileWatch watch_;
  FileIdentity loaded_;
  std::optional<std::int64_t> reload_at_ms_;
  bool synced_ = false;
  std::string problem_;
  StaticStats stats_;
};

}  // namespace ofe::watcher
