// KernelSource and decode_ctnetlink on the running kernel, in a network namespace of their own, against
// libnetfilter_conntrack.
#include "ovs-plugin/conntrack/kernel_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/syscall.h>

#include <algorithm>
#include <map>
#include <thread>

#include "ovs-plugin/conntrack/sysctl.h"
#include "tests/mutations.h"
#include "tests/ovs-plugin/conntrack/kernel_entries.h"
#include "tests/ovs-plugin/conntrack/libnetfilter_reference.h"
#include "tests/ovs-plugin/conntrack/network_namespace.h"

namespace ofe::conntrack {
namespace {

using flowstore::Observation;
using flowstore::Statistics;

// Zones by UDP and TCP port; 5009 has a zone in the original direction only. A rule that sets labels makes the kernel
// keep them.
constexpr const char* nft_rules = R"(
table inet ofe {
  chain before { type filter hook output priority -300;
    udp dport 5007 ct zone set 7
    udp sport 5007 ct zone set 7
    udp dport 5009 ct original zone set 9
    tcp dport 5201 ct zone set 11
    tcp sport 5201 ct zone set 11
  }
  chain after { type filter hook output priority 0;
    tcp dport 5201 ct mark set 0x21
    ct state new counter
    udp dport 1 ct label set 1
  }
}
)";
constexpr std::uint16_t zones[] = {0, 7, 9, 11, 65510, 65520};

bool decode(const RawMessage& message, Observation& out) {
  return decode_ctnetlink(message.data() + MNL_NLMSG_HDRLEN, message.size() - MNL_NLMSG_HDRLEN, out);
}

KernelSource::Progress to_the_end(KernelSource& source, std::size_t budget,
                                  const std::function<void(const Observation&)>& entry) {
  while (true) {
    const auto progress = source.step(budget, entry);
    if (progress == KernelSource::Progress::waiting) {
      pollfd readable{source.fd(), POLLIN, 0};
      poll(&readable, 1, -1);
    } else if (progress != KernelSource::Progress::more) {
      return progress;
    }
  }
}

class Kernel : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(enter_new_network_namespace(nft_rules))
        << "needs root, and nft and ip of Debian's nftables and iproute2";
    const AccountingSysctls sysctls = enable_accounting();
    ASSERT_TRUE(sysctls.accounting && sysctls.timestamps) << sysctls.problem;
    socket_ = netlink();
    ASSERT_TRUE(socket_);
    for (unsigned i = 0; i < entries; ++i) {
      ASSERT_EQ(create(socket_.get(), numbered(i)), 0) << "entry " << i;
    }
    ASSERT_TRUE(exchange_udp(AF_INET, 5007, 3));
    ASSERT_TRUE(exchange_udp(AF_INET6, 5007, 2));
    ASSERT_TRUE(exchange_udp(AF_INET, 5009, 1));
    ASSERT_TRUE(tcp_.emplace(AF_INET, 5201).exchange());
  }

  // Reads one dump to its end; what the source said last is in progress_.
  std::vector<Observation> dump(KernelSource& source, std::uint16_t zone, std::size_t budget) {
    std::vector<Observation> seen;
    source.start({&zone, 1});
    progress_ = to_the_end(source, budget, [&](const Observation& entry) { seen.push_back(entry); });
    return seen;
  }

  static constexpr unsigned entries = 360;
  Socket socket_;
  std::optional<TcpConnection> tcp_;
  KernelSource::Progress progress_ = KernelSource::Progress::idle;
};

TEST_F(Kernel, EveryEntryDecodesAsLibnetfilterConntrackDecodesIt) {
  const auto messages = dump_everything(socket_.get());
  ASSERT_GE(messages.size(), entries + 4);
  std::size_t exact = 0, labelled = 0;
  for (const RawMessage& message : messages) {
    Observation ours;
    const Reference theirs(message);
    ASSERT_TRUE(theirs.parsed());
    ASSERT_TRUE(decode(message, ours));
    expect_same(ours, theirs);
    exact += ours.counters.packets != 0;
    labelled += ours.labels != std::array<std::uint8_t, 16>{};
  }
  EXPECT_GE(exact, 4u);
  EXPECT_EQ(labelled, entries / 5);
}

TEST_F(Kernel, ADumpOfAZoneIsThatZonesEntries) {
  std::map<std::uint16_t, std::map<std::uint32_t, Observation>> expected;
  for (const RawMessage& message : dump_everything(socket_.get())) {
    Observation entry;
    ASSERT_TRUE(decode(message, entry));
    expected[entry.zone][entry.id] = entry;
  }
  KernelSource source;
  std::uint64_t total = 0;
  for (const std::uint16_t zone : zones) {
    EXPECT_FALSE(expected[zone].empty()) << zone;
    const auto seen = dump(source, zone, 7);
    EXPECT_EQ(progress_, KernelSource::Progress::complete) << source.stats().last_error;
    EXPECT_EQ(seen.size(), expected[zone].size()) << zone;
    for (const Observation& entry : seen) {
      const Observation& wanted = expected[zone][entry.id];
      EXPECT_EQ(entry.original, wanted.original);
      EXPECT_EQ(entry.reply, wanted.reply);
      EXPECT_EQ(entry.zone, zone);
      EXPECT_EQ(entry.mark, wanted.mark);
      EXPECT_EQ(entry.labels, wanted.labels);
      EXPECT_EQ(entry.counters, wanted.counters);
      EXPECT_EQ(entry.start_wall_ms, wanted.start_wall_ms);
    }
    total += seen.size();
  }
  EXPECT_EQ(source.stats().dumps, std::size(zones));
  EXPECT_EQ(source.stats().entries, total);
  EXPECT_EQ(source.stats().undecodable, 0u);
  EXPECT_EQ(source.stats().last_error, "");
}

TEST_F(Kernel, CountersAreThoseOfTheTraffic) {
  KernelSource source;
  const auto seen = dump(source, 7, 1000);
  ASSERT_EQ(seen.size(), 2u);
  for (const Observation& entry : seen) {
    const bool v4 = flowstore::is_ipv4(entry.original.source);
    const std::uint64_t headers = v4 ? 28 : 48, questions = v4 ? 3 : 2;
    EXPECT_EQ(entry.counters, (flowstore::Counters{questions, questions * (100 + headers), 1, 10 + headers}));
    EXPECT_EQ(entry.statistics, Statistics::exact);
    EXPECT_GT(entry.start_wall_ms, 1'700'000'000'000);
  }
}

TEST_F(Kernel, SeveralZonesAreOneDumpOfThoseZones) {
  KernelSource source;
  std::map<std::uint16_t, std::size_t> alone;
  for (const std::uint16_t zone : zones) alone[zone] = dump(source, zone, 1000).size();
  const std::uint16_t wanted[] = {7, 0, 65520};
  source.start(wanted);
  std::map<std::uint16_t, std::size_t> together;
  EXPECT_EQ(to_the_end(source, 1000, [&](const Observation& entry) { ++together[entry.zone]; }),
            KernelSource::Progress::complete);
  EXPECT_EQ(together, (std::map<std::uint16_t, std::size_t>{{0, alone[0]}, {7, alone[7]}, {65520, alone[65520]}}));
  EXPECT_GE(source.stats().other_zone, alone[9] + alone[11] + alone[65510]);
}

TEST_F(Kernel, StepsEndAboutTheBudget) {
  KernelSource source;
  const auto ignore = [](const Observation&) {};
  EXPECT_EQ(source.step(10, ignore), KernelSource::Progress::idle);
  // Enough for several messages of the dump, each of about a hundred entries.
  source.start(zones);
  pollfd readable{source.fd(), POLLIN, 0};
  ASSERT_EQ(poll(&readable, 1, 10'000), 1) << "the end of a dump can be waited for";
  std::size_t handed_out = 0;
  EXPECT_EQ(source.step(5, [&](const Observation&) { ++handed_out; }), KernelSource::Progress::more);
  EXPECT_GT(handed_out, 0u);
  EXPECT_LT(handed_out, entries / 2);
  // Another start() gives the first dump up, and nothing of it reaches the second.
  source.start({&zones[4], 1});
  EXPECT_EQ(source.stats().dumps_failed, 1u);
  EXPECT_THAT(source.stats().last_error, testing::HasSubstr("given up"));
  const auto zone = [](const Observation& entry) { EXPECT_EQ(entry.zone, 65510); };
  EXPECT_EQ(to_the_end(source, 50, zone), KernelSource::Progress::complete);
  EXPECT_EQ(source.stats().dumps, 1u);
  EXPECT_EQ(source.stats().last_error, "");
  EXPECT_EQ(source.step(10, ignore), KernelSource::Progress::idle);
}

TEST_F(Kernel, ARefusedDumpFailsWithTheReason) {
  // setresuid of the thread alone, by the bare system call: it loses CAP_NET_ADMIN and ends.
  std::thread([this] {
    ASSERT_EQ(syscall(SYS_setresuid, 65534, 65534, 65534), 0);
    KernelSource source;
    const auto seen = dump(source, 65520, 100);
    EXPECT_TRUE(seen.empty());
    EXPECT_EQ(progress_, KernelSource::Progress::failed);
    EXPECT_EQ(source.stats().dumps_failed, 1u);
    EXPECT_EQ(source.stats().last_error, "the kernel refused the dump: Operation not permitted");
    EXPECT_EQ(source.step(10, [](const Observation&) {}), KernelSource::Progress::idle);
  }).join();
}

TEST_F(Kernel, DamagedMessagesOfTheKernelAreSurvived) {
  Mutations mutations;
  std::size_t refused = 0;
  for (const RawMessage& message : dump_everything(socket_.get())) {
    const std::span<const std::uint8_t> payload = std::span(message).subspan(MNL_NLMSG_HDRLEN);
    for (int i = 0; i < 500; ++i) {
      const auto damaged = mutations.damaged(payload);
      Observation seen;
      refused += !decode_ctnetlink(damaged.data(), damaged.size(), seen);
    }
  }
  EXPECT_GT(refused, 0u);
}

}  // namespace
}  // namespace ofe::conntrack
