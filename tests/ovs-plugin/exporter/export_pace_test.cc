#include "ovs-plugin/exporter/export_pace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "flowstore/store.h"

namespace ofe {
namespace {

constexpr std::int64_t interval_ms = 60'000;

TEST(ExportPace, AllowsABurstAfterAPauseThenTheRate) {
  ExportPace pace;
  EXPECT_EQ(pace.allowance(10, interval_ms, 1'000), 1'000u);
  pace.took(1'000);
  EXPECT_EQ(pace.allowance(10, interval_ms, 1'000), 0u);
  EXPECT_EQ(pace.next_ms(), 1'005);
  EXPECT_EQ(pace.allowance(10, interval_ms, 1'005), 100u);
  pace.took(40);
  EXPECT_EQ(pace.allowance(10, interval_ms, 1'010), 160u) << "what was not taken is kept";
  EXPECT_EQ(pace.allowance(10, interval_ms, 100'000), 1'000u) << "up to a bound";
}

TEST(ExportPace, IsTwiceWhatAllFlowsNeed) {
  ExportPace pace;
  pace.took(pace.allowance(6'000'000, interval_ms, 0));
  EXPECT_EQ(pace.allowance(6'000'000, interval_ms, 10), 2'000u);
}

// A million flows first seen within one poll: when their records leave.
class MillionFlows : public ::testing::Test {
 protected:
  static constexpr std::uint32_t flows = 1'000'000;
  static constexpr std::int64_t step_ms = ExportPace::step_ms;

  MillionFlows() {
    store.begin_scan(1, {0, wall(0)});
    for (std::uint32_t number = 0; number < flows; ++number) {
      const flowstore::Now now{number / 4'000 * 16, wall(number / 4'000 * 16)};  // 4 s, 4,000 a turn
      store.observe(observation(number), now);
    }
    store.end_scan(1, true, {4'000, wall(4'000)});
  }

  static std::int64_t wall(std::int64_t ms) { return 1'700'000'000'000 + ms; }
  static flowstore::Observation observation(std::uint32_t number) {
    flowstore::Observation seen;
    const std::uint8_t client[] = {10, static_cast<std::uint8_t>(number >> 16), static_cast<std::uint8_t>(number >> 8),
                                   static_cast<std::uint8_t>(number)};
    const std::uint8_t server[] = {10, 255, 0, 1};
    seen.original = {flowstore::address_from_ipv4(client), flowstore::address_from_ipv4(server), 40'000, 80, 6};
    seen.reply = {seen.original.destination, seen.original.source, 80, 40'000, 6};
    seen.zone = 1;
    return seen;
  }
  // Of each second from 0 to `until_ms`.
  std::vector<std::size_t> records_by_second(bool paced, std::int64_t until_ms) {
    std::vector<std::size_t> seconds(static_cast<std::size_t>(until_ms / 1'000));
    for (std::int64_t ms = 0; ms < until_ms; ms += step_ms) {
      const std::size_t allowed = paced ? pace.allowance(flows, interval_ms, ms) : flows;
      const std::size_t taken = store.export_due(
          {ms, wall(ms)}, 2 * std::size_t{flows},
          [&](flowstore::Export& due) {
            if (due.flow.ended) return true;
            const std::int64_t due_ms = due.flow.first_monotonic_ms + (due.flow.exports + 1) * interval_ms;
            latest_ms = std::max(latest_ms, ms - due_ms);
            earliest_ms = std::min(earliest_ms, ms - due_ms);
            return true;
          },
          allowed);
      if (paced) pace.took(taken);
      seconds[static_cast<std::size_t>(ms / 1'000)] += taken;
    }
    return seconds;
  }

  flowstore::Store store{{flows}, {interval_ms, 0}, {0, wall(0)}};
  ExportPace pace;
  std::int64_t earliest_ms = interval_ms, latest_ms = -interval_ms;  // against the due time
};

TEST_F(MillionFlows, LeaveInABurstWithoutAPace) {
  const std::vector<std::size_t> seconds = records_by_second(false, 70'000);
  EXPECT_GE(*std::max_element(seconds.begin(), seconds.end()), 250'000u);
}

TEST_F(MillionFlows, AreSpreadOverHalfOfTheIntervalEachTime) {
  const std::vector<std::size_t> seconds = records_by_second(true, 220'000);
  EXPECT_LE(*std::max_element(seconds.begin(), seconds.end()), 2 * flows / 60 + 2'000);
  std::size_t total = 0;
  for (const std::size_t records : seconds) total += records;
  EXPECT_EQ(total, 3 * std::size_t{flows}) << "each of them once an interval";
  EXPECT_GE(earliest_ms, 0) << "never before it is due";
  EXPECT_LE(latest_ms, interval_ms / 2);
}

TEST_F(MillionFlows, DoNotHoldBackOnesThatEnd) {
  records_by_second(true, 61'000);  // in the middle of the burst
  flowstore::Observation last = observation(flows - 1);
  last.sight = flowstore::Sight::gone;
  store.observe(last, {61'000, wall(61'000)});
  std::size_t ended = 0;
  store.export_due(
      {61'000, wall(61'000)}, flows,
      [&](flowstore::Export& due) {
        ended += due.flow.ended ? 1u : 0u;
        return true;
      },
      0);
  EXPECT_EQ(ended, 1u);
}

}  // namespace
}  // namespace ofe
