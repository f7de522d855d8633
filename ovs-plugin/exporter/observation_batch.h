// Conntrack entries on their way into the store, a slice of a dump at a time: the store takes many at once several
// times faster than one by one.
#pragma once

#include <vector>

#include "flowstore/store.h"
#include "ovs-plugin/exporter/state.h"

namespace ofe {

class ObservationBatch {
 public:
  void add(const flowstore::Observation& seen) { seen_.push_back(seen); }
  // Leaves out what of the host's zone is no Node-to-Node connection, adds datapath counters to what conntrack did not
  // count, hands all to the store, names the flows that are new, and is empty again.
  void flush(State& state, flowstore::Now now);

 private:
  std::vector<flowstore::Observation> seen_;
  std::vector<flowstore::ObserveResult> results_;
};

}  // namespace ofe
