#include "tests/conntrack-tools/churn_run.h"

#include <linux/netfilter/nfnetlink_conntrack.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <system_error>

namespace conntrack_tools {
namespace {

constexpr std::int64_t ns_per_s = 1'000'000'000, ns_per_ms = 1'000'000;

std::int64_t monotonic_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * ns_per_s + now.tv_nsec;
}

void sleep_until(std::int64_t when_ns) {
  const timespec when{when_ns / ns_per_s, when_ns % ns_per_s};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, nullptr) == EINTR) continue;
}

}  // namespace

// Numbers are spread over the time in steps of about two milliseconds, each within one group of connections.
void ChurnRun::run() {
  const std::uint64_t step = std::bit_floor(std::clamp<std::uint64_t>(options_.rate / 500, 1, connections_per_group));
  const std::int64_t began_ns = monotonic_ns();
  const double ns_each = static_cast<double>(ns_per_s) / static_cast<double>(options_.rate);
  for (std::uint64_t done = 0; done < options_.connections;) {
    const std::uint64_t first = options_.first + done;
    const std::uint64_t count = std::min(step - first % step, options_.connections - done);
    create(first, first + count);
    done += count;
    const std::int64_t now_ns = monotonic_ns();
    living_.push_back({first, first + count, now_ns + static_cast<std::int64_t>(options_.lifetime_ms) * ns_per_ms});
    destroy_due(now_ns);
    sleep_until(began_ns + static_cast<std::int64_t>(static_cast<double>(done) * ns_each));
  }
  while (!living_.empty()) {
    sleep_until(living_.front().until_ns);
    destroy_due(monotonic_ns());
  }
  seconds_ = static_cast<double>(monotonic_ns() - began_ns) * 1e-9;
}

void ChurnRun::create(std::uint64_t first, std::uint64_t end) {
  std::array<PlannedConnection, connections_per_group> plans;
  for (std::uint64_t number = first; number < end; ++number) plans[number - first] = planned(number, options_.seed);
  exchange_.run(source_port_index(first), std::span(plans).first(end - first),
                std::span(sent_).subspan(first - options_.first, end - first));
}

void ChurnRun::destroy_due(std::int64_t now_ns) {
  while (!living_.empty() && living_.front().until_ns <= now_ns) {
    destroy(living_.front().first, living_.front().end);
    living_.pop_front();
  }
}

void ChurnRun::destroy(std::uint64_t first, std::uint64_t end) {
  for (std::uint64_t number = first; number < end; ++number) {
    if (sent_[number - options_.first].packets == 0) continue;  // refused: there is no entry
    nlmsghdr* const request = deletions_.begin(IPCTNL_MSG_CT_DELETE, 0, number);
    put_tuple(request, CTA_TUPLE_ORIG, planned(number, options_.seed).original);
    put_zone(request, options_.zone);
  }
  deletions_.send([&](std::uint64_t, int error) {
    if (error != ENOENT) throw std::system_error(error, std::generic_category(), "ctnetlink cannot delete an entry");
    ++not_found_;
  });
}

}  // namespace conntrack_tools
