// Made-up flows of a cluster, and records and messages of them in the exporter's own template.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ipfix/template.h"
#include "tests/bench/flow_values.h"

namespace bench {

using Octets = std::vector<std::uint8_t>;

// Values of so many flows between 1,000 pairs of Pods; about 271 octets a record.
class FlowTable {
 public:
  explicit FlowTable(std::size_t flows);
  const std::vector<FlowValues>& flows() const { return flows_; }

 private:
  std::vector<std::string> names_;  // what the flows' texts point to
  std::vector<FlowValues> flows_;
};

// record::template_ipv4.
ipfix::Template flow_template();
// Which of flow_fields stands at each place of it.
std::vector<const FlowField*> fields_in_order(const ipfix::Template& of);

Octets encoded(const FlowValues& flow, const std::vector<const FlowField*>& order);

}  // namespace bench
