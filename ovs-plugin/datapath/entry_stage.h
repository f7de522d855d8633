// Which entry-stage flow carries which connection: from recirc_id(0) along recirc() to the first ct(zone=N).
//
// Every stage counts the same packets again, so only entry-stage flows (recirc_id 0) ever count. The zone is never
// matched there; it stands in the actions, of the entry flow itself or of the flows it recirculates to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "ovs-plugin/datapath/megaflow.h"

namespace ofe::datapath {

// An entry-stage flow that pins one 5-tuple, with the zones its packets are tracked in.
struct PinnedCounters {
  Ufid ufid{};
  flowstore::Tuple tuple;
  std::uint64_t packets = 0, octets = 0;  // L3
};

struct EntryStageStats {
  std::uint64_t lines = 0, unreadable = 0;
  std::uint64_t entry_flows = 0, entry_pinned = 0, entry_untracked = 0;  // of the last dump; untracked: no ct() in any stage
  std::string last_unreadable;
};

// Takes one dump line by line, then tells what it pins.
class EntryStage {
 public:
  EntryStage();
  ~EntryStage();
  void begin();                    // a new dump; forgets the previous
  void add_line(std::string_view line);
  // After the last line: entry flows that pin a tuple and lead to ct() in one of the zones.
  void each_pinned(const std::function<bool(std::uint16_t zone)>& watched,
                   const std::function<void(const PinnedCounters&)>& visit);
  const EntryStageStats& stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ofe::datapath
