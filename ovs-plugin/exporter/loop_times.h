// How long the turns of the loop take, as a histogram: what stands behind "no step holds the loop".
#pragma once

#include <array>
#include <cstdint>

namespace ofe {

class LoopTimes {
 public:
  void add(std::int64_t microseconds);
  std::uint64_t turns() const { return turns_; }
  std::int64_t longest_us() const { return longest_us_; }
  // The time that this part of the turns (0 to 1) did not exceed, rounded up by at most an eighth; 0 before any turn.
  std::int64_t quantile_us(double part) const;

 private:
  // Eight buckets between a power of two and the next.
  static constexpr unsigned steps = 8;
  static std::size_t bucket_of(std::uint64_t microseconds);
  static std::int64_t upper_bound_us(std::size_t bucket);

  std::array<std::uint64_t, 32 * steps> buckets_{};
  std::uint64_t turns_ = 0;
  std::int64_t longest_us_ = 0;
};

}  // namespace ofe
