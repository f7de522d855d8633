#include "ovs-plugin/exporter/loop_times.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace ofe {

// Values below `steps` have a bucket each; above, the three bits after the leading one number the bucket in its octave.
std::size_t LoopTimes::bucket_of(std::uint64_t microseconds) {
  if (microseconds < steps) return microseconds;
  const unsigned octave = std::bit_width(microseconds) - std::bit_width(steps) + 1;
  return std::size_t{octave} * steps + (microseconds >> (octave - 1)) - steps;
}

std::int64_t LoopTimes::upper_bound_us(std::size_t bucket) {
  if (bucket < steps) return static_cast<std::int64_t>(bucket);
  const std::size_t octave = bucket / steps, step = bucket % steps;
  return (static_cast<std::int64_t>(steps + step + 1) << (octave - 1)) - 1;
}

void LoopTimes::add(std::int64_t microseconds) {
  microseconds = std::max<std::int64_t>(microseconds, 0);
  ++buckets_[std::min(bucket_of(static_cast<std::uint64_t>(microseconds)), buckets_.size() - 1)];
  ++turns_;
  longest_us_ = std::max(longest_us_, microseconds);
}

std::int64_t LoopTimes::quantile_us(double part) const {
  const auto wanted = static_cast<std::uint64_t>(std::ceil(part * static_cast<double>(turns_)));
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
    seen += buckets_[bucket];
    if (seen >= wanted && seen > 0) return std::min(upper_bound_us(bucket), longest_us_);
  }
  return 0;
}

}  // namespace ofe
