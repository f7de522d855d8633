// The state file (ovsFlowExporter.stateFile): read once at the start, written at a clean stop.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ovs-plugin/exporter/export_part.h"
#include "ovs-plugin/exporter/part.h"
#include "ovs-plugin/exporter/state.h"

namespace ofe {

struct StateFileStats {
  std::string
      problem;  // why the file found at the start was not used, or not to its end; "": there was none, or it was
  bool read = false;
  std::int64_t written_wall_ms = 0;  // by the process before
  std::string written_by;            // that process's version
  std::uint64_t flows = 0;           // in the file
  std::uint64_t records = 0;
  std::int64_t read_ms = 0;  // how long that took
};

class StateFilePart : public Part {
 public:
  StateFilePart(State& state, ExportPart& exporting) : state_(state), exporting_(exporting) {}

  // Before the first turn of the loop. Blocks: about a second for a million flows.
  void read(flowstore::Now now);
  // In which the flows taken over were.
  const std::vector<std::uint16_t>& zones() const { return zones_; }
  void note_read_ms(std::int64_t ms) { stats_.read_ms = ms; }
  // After the store was suspended and its last records were handed over. Blocks as well.
  void write(flowstore::Now now);

  // A setting that changes while we run: what an earlier process left under the new name is out of date.
  void run(flowstore::Now now) override;
  void wait(flowstore::Now) override {}

  const StateFileStats& stats() const { return stats_; }

 private:
  void take_over(const std::string& path, flowstore::Now now);

  State& state_;
  ExportPart& exporting_;
  std::string path_;
  std::vector<std::uint16_t> zones_;
  StateFileStats stats_;
};

}  // namespace ofe
