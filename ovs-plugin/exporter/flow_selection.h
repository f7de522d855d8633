// What flow/list takes of all that it meets: what its filter matches, up to its limit. The rest is counted.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "ovs-plugin/exporter/flow_filter.h"

namespace ofe {

class FlowSelection {
 public:
  explicit FlowSelection(FlowFilter filter) : filter_(std::move(filter)) {}

  // Whether to list it.
  bool take(const flowstore::Flow& flow, const record::Names& names);
  // Nothing that is still to come will be listed, and all of it counts as left out.
  bool over() const { return listed_ == filter_.limit && filter_.takes_all(); }
  void leave_out(std::size_t number) { left_out_ += number; }

  const FlowFilter& filter() const { return filter_; }
  std::size_t listed() const { return listed_; }
  std::size_t left_out() const { return left_out_; }
  // A line that says it; "" when nothing was.
  std::string left_out_text() const;

 private:
  const FlowFilter filter_;
  std::size_t listed_ = 0, left_out_ = 0;
};

}  // namespace ofe
