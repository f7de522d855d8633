// One dump of the datapath's flows on its way into the counters, in slices.
#pragma once

#include <string_view>

#include "ovs-plugin/datapath/entry_stage.h"
#include "ovs-plugin/exporter/state.h"

namespace ofe {

class MegaflowDump {
 public:
  void begin(State& state);
  void add(std::string_view lines, State& state, flowstore::Now now);
  // After the last line: what connections the flows pin, then which of the flows and tuples of earlier dumps are gone.
  // A few milliseconds' worth; true while there is more.
  bool settle(State& state, flowstore::Now now);
  const datapath::EntryStageStats& stats() const { return stage_.stats(); }

 private:
  enum class Place : std::uint8_t { lines, pinned, gone_megaflows, gone_tuples };
  datapath::EntryStage stage_;
  Place place_ = Place::lines;
};

}  // namespace ofe
