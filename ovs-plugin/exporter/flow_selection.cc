#include "ovs-plugin/exporter/flow_selection.h"

#include <spdlog/fmt/fmt.h>

namespace ofe {

bool FlowSelection::take(const flowstore::Flow& flow, const record::Names& names) {
  if (!filter_.matches(flow, names)) return false;
  const bool wanted = listed_ < filter_.limit;
  ++(wanted ? listed_ : left_out_);
  return wanted;
}

std::string FlowSelection::left_out_text() const {
  return left_out_ == 0 ? "" : fmt::format("{} more match; limit={} was reached\n", left_out_, filter_.limit);
}

}  // namespace ofe
