#include "ovs-plugin/exporter/export_pace.h"

#include <algorithm>

namespace ofe {

std::size_t ExportPace::allowance(std::size_t flows, std::int64_t interval_ms, std::int64_t now_ms) {
  const double needed_per_s =
      static_cast<double>(flows) * 1'000 / static_cast<double>(std::max<std::int64_t>(1, interval_ms));
  const double per_ms = std::max<double>(min_records_per_s, 2 * needed_per_s) / 1'000;
  const std::int64_t passed_ms =
      refilled_ms_ < 0 ? burst_ms : std::clamp<std::int64_t>(now_ms - refilled_ms_, 0, burst_ms);
  allowance_ = std::min(allowance_ + per_ms * static_cast<double>(passed_ms), per_ms * burst_ms);
  refilled_ms_ = now_ms;
  return allowance_ < 1 ? 0 : static_cast<std::size_t>(allowance_);
}

}  // namespace ofe
