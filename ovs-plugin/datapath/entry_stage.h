// Which entry-stage flow carries which connection: from recirc_id(0) along recirc() to the first ct(zone=N).
//
// Every stage counts the same packets again, so only entry-stage flows (recirc_id 0) ever count. The zone is never
// matched there; it stands in the actions, of the entry flow itself or of the flows it recirculates to. A flow of a
// later stage is on the way when it takes the same input port, Ethernet type and protocol; addresses and ports are not
// compared, as set() and nat() may have changed them in between. The zone counts as reached when any such flow leads
// there, at most 16 recirculations on.
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
  // Of the last dump; untracked: no ct() in any stage, known once each_pinned() has run.
  std::uint64_t entry_flows = 0, entry_pinned = 0, entry_untracked = 0;
  std::uint64_t left_out = 0;  // flows beyond what is kept of one dump (1,048,576 pinned, 65,536 different ways)
  std::string last_unreadable;
};

// Takes one dump line by line, then tells what it pins.
class EntryStage {
 public:
  EntryStage();
  ~EntryStage();
  void begin();  // a new dump; forgets the previous
  // The line is not kept. What it says, until the next call; nullptr where it could not be read or is no flow.
  const Megaflow* add_line(std::string_view line);
  // After the last line: entry flows that pin a tuple and lead to ct() in one of the zones. A call looks at some
  // `budget` flows and goes on where the last one stopped; true while there is more. The next call begins anew.
  bool each_pinned(const std::function<bool(std::uint16_t zone)>& watched,
                   const std::function<void(const PinnedCounters&)>& visit, std::size_t budget = SIZE_MAX);
  const EntryStageStats& stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ofe::datapath
