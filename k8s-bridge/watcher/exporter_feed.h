// What one exporter is sent, without I/O: its snapshot, then changes, taken from the store only as fast as the exporter
// reads. What an exporter is behind is therefore never queued for it; the store keeps one entry per object anyway.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "k8s-bridge/watcher/now.h"
#include "k8s-bridge/watcher/object_store.h"
#include "k8s-bridge/watcher/source.h"
#include "proto/metadata.pb.h"

namespace ofe::watcher {

inline constexpr std::size_t max_update_octets = 256 * 1024;    // of one serialized Update frame
inline constexpr std::int64_t last_change_interval_ms = 5'000;  // how often the time of the last change is told
inline constexpr std::int64_t counters_interval_ms = 10'000;    // how often the bridge's counters are, once it follows

class ExporterFeed {
 public:
  ExporterFeed(metadata::v1::Hello hello, const ObjectStore& store);

  // Appends frames to out until it holds about out_octets (one frame more at most) or nothing is left to say; true:
  // there is more. The snapshot is held back until the source has its lists, so that an exporter that knows names
  // from before does not lose them to a bridge that just started.
  bool fill(std::string& out, std::size_t out_octets, const SourceState& state, const Now& now);
  // When the time of the last change or the counters are due to be told.
  std::optional<std::int64_t> next_deadline_ms() const;

  // Removals later than this are still needed; nullopt: none, no snapshot was begun.
  std::optional<std::uint64_t> needs_removals_after() const;
  // The store forgot removals this exporter has not seen; only a new connection helps.
  bool lost() const;
  // It goes on where an earlier connection ended.
  bool resumes() const { return resumes_; }

  bool cluster_scope() const { return hello_.scope() == metadata::v1::SCOPE_CLUSTER; }
  const std::string& node_name() const { return hello_.node_name(); }
  std::uint64_t frames() const { return frames_; }

 private:
  enum class Phase : std::uint8_t { waiting, snapshot, following };

  bool ready(const SourceState& state) const;
  void begin(std::string& out);
  void end_snapshot(std::string& out);
  bool append_update(std::string& out);
  void append_status(std::string& out, const SourceState& state, const Now& now);
  void append_counters(std::string& out, const BridgeCounts& counts, const Now& now);
  std::string detail_for(const SourceState& state) const;
  bool in_scope(const ObjectStore::Entry& entry) const;
  bool left_scope(const ObjectStore::Entry& entry) const;

  metadata::v1::Hello hello_;
  const ObjectStore& store_;
  bool resumes_ = false;
  Phase phase_ = Phase::waiting;
  std::uint64_t position_ = 0;       // version of the last change sent
  std::uint64_t snapshot_base_ = 0;  // version of the store when the snapshot began
  std::optional<metadata::v1::SourceStatus> status_sent_;
  std::int64_t status_sent_ms_ = 0;
  bool last_change_due_ = false;
  std::string counters_sent_;  // serialized
  std::int64_t counters_sent_ms_ = 0;
  bool counters_due_ = false;
  std::uint64_t frames_ = 0;
};

}  // namespace ofe::watcher
