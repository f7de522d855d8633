// Every object known, and what changed when: each change has a version, and a reader that remembers the version it
// read last gets what came after. Only the last change of an object is kept, so a reader that is slow costs nothing
// here; what it has missed is one entry per object. No I/O, no clock.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "k8s-bridge/watcher/object.h"

namespace ofe::watcher {

struct StoreLimits {
  std::size_t max_objects = 500'000;           // of all kinds together, removed ones included
  std::size_t max_object_octets = 128 * 1024;  // of one message: it must fit into a frame
  std::size_t max_removals = 65'536;           // kept for readers that have not seen them
};

struct StoreStats {
  std::uint64_t changes = 0, unchanged = 0;     // unchanged: news that altered nothing an exporter is told
  std::uint64_t too_large = 0, over_limit = 0;  // objects refused
  std::uint64_t removals_dropped = 0;           // forgotten before every reader had them
};

class ObjectStore {
 public:
  // epoch: tells the versions of this store from those of another, as of a bridge before it; 0: nobody resumes.
  explicit ObjectStore(StoreLimits limits = {}, std::uint64_t epoch = 0) : limits_(limits), epoch_(epoch) {}
  std::uint64_t epoch() const { return epoch_; }

  struct Entry {
    std::string key;
    std::uint64_t version = 0;
    bool removed = false;
    Object object;              // the last known state when removed
    std::string previous_node;  // of a Pod: where it was before its last change, when elsewhere
  };

  // A removed key that is put again is a new object. Returns whether something changed.
  bool put(Object object, std::int64_t wall_ms);
  bool remove(Kind kind, const std::string& key, std::int64_t wall_ms);
  // After a complete list: removes what it does not name.
  void retain(Kind kind, const absl::flat_hash_set<std::string>& keys, std::int64_t wall_ms);

  // The earliest change later than version; nullptr: none. Valid until the next change.
  const Entry* next_after(std::uint64_t version) const;
  std::uint64_t version() const { return version_; }
  // Removals up to this version are no longer needed by any reader.
  void forget_removals(std::uint64_t version);
  // A reader of changes that is behind this version has missed removals and must start from nothing.
  std::uint64_t complete_since() const { return complete_since_; }

  bool contains(Kind kind, const std::string& key) const;
  std::size_t size(Kind kind) const;  // without removed ones
  std::size_t removals_kept() const { return removals_.size(); }
  std::int64_t last_change_wall_ms() const { return last_change_wall_ms_; }
  const StoreStats& stats() const { return stats_; }

 private:
  using Table = absl::flat_hash_map<std::string, std::unique_ptr<Entry>>;
  Table& table(Kind kind) { return tables_[static_cast<std::size_t>(kind)]; }
  void touch(Entry& entry, std::int64_t wall_ms);
  void erase_removed(Entry& entry);
  std::size_t total() const;

  StoreLimits limits_;
  std::uint64_t epoch_;
  std::array<Table, all_kinds.size()> tables_;
  std::map<std::uint64_t, Entry*> by_version_;
  std::map<std::uint64_t, Entry*> removals_;  // those of by_version_ that are removed
  std::uint64_t version_ = 0, complete_since_ = 0;
  std::int64_t last_change_wall_ms_ = 0;
  StoreStats stats_;
};

}  // namespace ofe::watcher
