// One dump of the datapath's flows as text on its way into the counters, in slices.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ovs-plugin/datapath/megaflow.h"
#include "ovs-plugin/exporter/state.h"

namespace ofe {

struct MegaflowTextStats {
  std::uint64_t lines = 0, unreadable = 0;
  std::string last_unreadable;  // the beginning of the line, and what was expected
};

class MegaflowDump {
 public:
  void begin(State& state, flowstore::Now now);
  void add(State& state, std::string_view lines, flowstore::Now now);
  // After the last line: what the flows counted becomes the connections'. A few milliseconds' worth; true while there
  // is more.
  bool settle(State& state, flowstore::Now now);
  const MegaflowTextStats& stats() const { return stats_; }

 private:
  void add_line(State& state, std::string_view line, flowstore::Now now);

  datapath::Megaflow flow_;  // its memory is used again for every line
  std::string error_;
  std::uint64_t thread_ = 0;  // that the lines are of
  bool read_ = false;         // the lines are; what they counted is settled
  MegaflowTextStats stats_;
};

}  // namespace ofe
