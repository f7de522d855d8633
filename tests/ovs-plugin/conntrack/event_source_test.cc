// EventSource on the running kernel, in a network namespace of its own.
#include "ovs-plugin/conntrack/event_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <map>
#include <thread>

#include "ovs-plugin/conntrack/sysctl.h"
#include "tests/ovs-plugin/conntrack/kernel_entries.h"
#include "tests/ovs-plugin/conntrack/network_namespace.h"

namespace ofe::conntrack {
namespace {

using flowstore::Observation;
using flowstore::Sight;

constexpr const char* nft_rules = R"(
table inet ofe {
  chain before { type filter hook output priority -300;
    udp dport 5007-5009 ct zone set 7
    udp sport 5007-5009 ct zone set 7
  }
  chain after { type filter hook output priority 0;
    udp dport 5007 ct mark set 0x21
    udp dport 5008 ct label set 5
  }
}
)";

class Events : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(enter_new_network_namespace(nft_rules))
        << "needs root, and nft and ip of Debian's nftables and iproute2";
    ASSERT_EQ(enable_accounting().problem, "");
    socket_ = netlink();
    ASSERT_TRUE(socket_);
  }

  std::vector<Observation> drain(EventSource& source) {
    std::vector<Observation> seen;
    do {
      drained_ = source.drain(10, [&](const Observation& event) { seen.push_back(event); });
    } while (drained_ == EventSource::Drained::more);
    return seen;
  }
  void create_numbered(unsigned from, unsigned to) {
    for (unsigned i = from; i < to; ++i) ASSERT_EQ(create(socket_.get(), numbered(i)), 0) << "entry " << i;
  }
  static std::map<std::uint16_t, int> by_zone(const std::vector<Observation>& events) {
    std::map<std::uint16_t, int> zones;
    for (const Observation& event : events) ++zones[event.zone];
    return zones;
  }

  Socket socket_;
  const EventsSysctl sysctl_;
  EventSource::Drained drained_ = EventSource::Drained::empty;
};

TEST_F(Events, AConnectionIsItsNewAndItsDestroyWithFinalCounters) {
  const std::uint16_t zone = 7;
  EventSource source({&zone, 1}, NewEvents::all);
  ASSERT_TRUE(source.open()) << source.stats().problem;
  ASSERT_TRUE(exchange_udp(AF_INET, 5007, 3));
  ASSERT_EQ(std::system("conntrack -F 2>/dev/null"), 0);
  const auto events = drain(source);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].sight, Sight::born);
  EXPECT_EQ(events[0].zone, 7);
  EXPECT_EQ(events[0].mark, 0x21u);
  EXPECT_EQ(events[0].statistics, flowstore::Statistics::none);
  EXPECT_EQ(events[1].sight, Sight::gone);
  EXPECT_EQ(events[1].id, events[0].id);
  EXPECT_EQ(events[1].original, events[0].original);
  EXPECT_EQ(events[1].reply, events[0].reply);
  EXPECT_EQ(events[1].statistics, flowstore::Statistics::exact);
  EXPECT_EQ(events[1].counters, (flowstore::Counters{3, 3 * 128, 1, 38}));
  EXPECT_GT(events[1].start_wall_ms, 1'700'000'000'000);
  EXPECT_GE(events[1].stop_wall_ms, events[1].start_wall_ms);
  EXPECT_EQ(source.stats().born, 1u);
  EXPECT_EQ(source.stats().gone, 1u);
}

TEST_F(Events, ANewEventThatSaysNothingMoreThanItsDestroyCanBeLeftToTheKernel) {
  const std::uint16_t zone = 7;
  EventSource source({&zone, 1}, NewEvents::marked);
  ASSERT_TRUE(source.open()) << source.stats().problem;
  const auto events_of = [&](std::uint16_t port) {
    EXPECT_TRUE(exchange_udp(AF_INET, port, 1));
    EXPECT_EQ(std::system("conntrack -F 2>/dev/null"), 0);
    return drain(source);
  };
  const auto with_mark = events_of(5007), with_label = events_of(5008), with_neither = events_of(5009);
  ASSERT_EQ(with_mark.size(), 2u);
  EXPECT_EQ(with_mark[0].mark, 0x21u);
  ASSERT_EQ(with_label.size(), 2u);
  EXPECT_NE(with_label[0].labels, (std::array<std::uint8_t, 16>{}));
  ASSERT_EQ(with_neither.size(), 1u);
  EXPECT_EQ(with_neither[0].sight, Sight::gone);
  EXPECT_GT(with_neither[0].start_wall_ms, 1'700'000'000'000);
  EXPECT_EQ(source.stats().other_zone, 0u);

  source.watch({&zone, 1}, NewEvents::all);
  EXPECT_EQ(events_of(5009).size(), 2u);
}

TEST_F(Events, TheKernelDeliversTheWatchedZonesOnly) {
  const std::uint16_t none_of_them[] = {7, 9};
  EventSource source(none_of_them, NewEvents::all);
  unsigned next = 0;
  const auto seen_when_watching = [&](std::vector<std::uint16_t> zones) {
    source.watch(zones, NewEvents::all);
    create_numbered(next, next + 90);  // 30 in each of 0, 65510 and 65520
    next += 90;
    return by_zone(drain(source));
  };
  using Zones = std::map<std::uint16_t, int>;
  EXPECT_EQ(seen_when_watching({7, 9}), Zones{});
  EXPECT_EQ(seen_when_watching({65510}), (Zones{{65510, 30}}));
  EXPECT_EQ(seen_when_watching({0}), (Zones{{0, 30}}));
  EXPECT_EQ(seen_when_watching({65520, 0, 5}), (Zones{{0, 30}, {65520, 30}}));
  EXPECT_EQ(seen_when_watching({65519, 65520, 65521}), (Zones{{65520, 30}}));
  EXPECT_EQ(source.stats().other_zone, 0u);
}

TEST_F(Events, MoreZonesThanTheFilterTakesArePickedHere) {
  std::vector<std::uint16_t> zones;
  for (std::uint16_t i = 0; i < 600; ++i) zones.push_back(static_cast<std::uint16_t>(1000 + 2 * i));
  zones.push_back(65510);
  EventSource source(zones, NewEvents::all);
  create_numbered(0, 90);
  EXPECT_EQ(by_zone(drain(source)), (std::map<std::uint16_t, int>{{65510, 30}}));
  EXPECT_EQ(source.stats().other_zone, 60u);
}

TEST_F(Events, WhatWasLostIsCountedToTheEvent) {
  const std::uint16_t zone = 65520;
  EventSource source({&zone, 1}, NewEvents::all);
  constexpr unsigned entries = 54'000;  // a third of them in each zone
  create_numbered(0, entries);
  std::size_t read = 0;
  int overruns = 0;
  do {
    read += drain(source).size();
    overruns += drained_ == EventSource::Drained::overrun;
  } while (drained_ != EventSource::Drained::empty);
  EXPECT_EQ(overruns, 1);
  EXPECT_EQ(source.stats().overruns, 1u);
  EXPECT_GT(read, 0u);
  EXPECT_GT(source.stats().lost, 0u) << "a buffer of " << source.stats().buffer_octets << " took everything";
  EXPECT_EQ(read + source.stats().lost, entries / 3);
  EXPECT_EQ(source.stats().missed_at_most, (source.stats().lost + 1) / 2);
  // And it goes on.
  create_numbered(entries, entries + 90);
  EXPECT_EQ(drain(source).size(), 30u);
  EXPECT_EQ(source.stats().overruns, 1u);
}

TEST_F(Events, WithoutThePrivilegeTheReasonIsSaid) {
  std::thread([] {
    ASSERT_EQ(syscall(SYS_setresuid, 65534, 65534, 65534), 0);
    const std::uint16_t zone = 7;
    EventSource source({&zone, 1}, NewEvents::all);
    EXPECT_FALSE(source.open());
    EXPECT_EQ(source.fd(), -1);
    EXPECT_EQ(source.stats().problem, "cannot listen to conntrack events: Operation not permitted");
    EXPECT_EQ(source.drain(10, [](const Observation&) {}), EventSource::Drained::empty);
  }).join();
}

}  // namespace
}  // namespace ofe::conntrack
