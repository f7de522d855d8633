// An exporting process with a spool: collectors that go and come, and processes that end in the middle.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <set>

#include "tests/ipfix/loopback_collector.h"
#include "tests/k8s-bridge/watcher/temporary_folder.h"

namespace ipfix {
namespace {

using namespace ipfix_test;

constexpr std::size_t record_octets = 271;

class ExportingSpool : public testing::Test {
 protected:
  ExportingOptions options(std::uint64_t max_octets = 64u << 20, std::size_t queue_octets = 1u << 20) const {
    ExportingOptions with;
    with.queue_octets = queue_octets;
    with.spool = SpoolOptions{folder + "/collector", max_octets};
    with.resend_octets = 4u << 20;
    return with;
  }
  static void export_numbers(ExportingProcess& process, std::uint64_t first, std::uint64_t end, Now now) {
    for (std::uint64_t number = first; number < end; ++number) {
      ASSERT_TRUE(process.export_record(numbered_template, numbered_record(number, record_octets), now)) << number;
    }
  }
  static std::vector<std::uint64_t> numbers(const TcpSession& session) {
    return record_numbers(session.messages(), numbered_template, record_octets);
  }
  // Runs until everything has been acknowledged.
  static void deliver(ExportingProcess& process, TcpSession& session, Now now) {
    process.flush(now);
    ASSERT_TRUE(run_until(process, now, [&] {
      session.read();
      return process.stats().state == SessionState::connected && process.drained();
    }));
    session.read();
  }
  static TcpSession connect(ExportingProcess& process, const TcpCollector& collector, Now now) {
    EXPECT_TRUE(run_until(process, now, [&] { return process.stats().state == SessionState::connected; }));
    return collector.accept();
  }

  const ofe::watcher::TemporaryFolder temporary;
  const std::string folder = temporary.path();
};

TEST_F(ExportingSpool, ReplaysInOrderWhatMemoryHadNoRoomFor) {
  const TcpCollector collector;
  bool reachable = false;
  ExportingProcess process(
      options(), [&](std::string&) { return reachable ? std::optional(collector.address()) : std::nullopt; }, at_ms(0));
  ASSERT_TRUE(process.add_template(numbered(record_octets)));
  export_numbers(process, 0, 50'000, at_ms(0));  // 13 MB, of which 1 MB fits in memory
  process.run(at_ms(100));
  EXPECT_LE(process.stats().queued_octets, 1u << 20);
  EXPECT_GT(process.stats().spool.waiting_octets, 13'000'000u);
  EXPECT_TRUE(process.drained()) << "safe on disk";
  reachable = true;
  TcpSession session = connect(process, collector, at_ms(100'000));
  export_numbers(process, 50'000, 51'000, at_ms(100'000));
  deliver(process, session, at_ms(100'000));
  EXPECT_EQ(numbers(session), counting(0, 51'000));
  EXPECT_EQ(process.stats().records_resent, 0u);
  EXPECT_EQ(process.stats().records_lost, 0u);
}

TEST_F(ExportingSpool, RefusesWhatTheDiskHasNoRoomFor) {
  ExportingProcess process(
      options(1u << 20, 65'536), [](std::string&) { return std::optional<SocketAddress>(); }, at_ms(0));
  ASSERT_TRUE(process.add_template(numbered(record_octets)));
  std::uint64_t taken = 0;
  while (process.export_record(numbered_template, numbered_record(taken, record_octets), at_ms(0))) ++taken;
  EXPECT_GT(taken, 3'500u);
  EXPECT_LT(taken, 4'200u);
  EXPECT_FALSE(process.can_accept(record_octets));
  EXPECT_EQ(process.stats().records_refused, 1u);
  process.run(at_ms(0));
  EXPECT_LE(process.stats().spool.octets, 1u << 20);
}

TEST_F(ExportingSpool, ANewProcessGoesOnWhereTheLastOneStopped) {
  const TcpCollector collector;
  {
    ExportingProcess process(options(), always(collector.address()), at_ms(0));
    ASSERT_TRUE(process.add_template(numbered(record_octets)));
    TcpSession session = connect(process, collector, at_ms(0));
    export_numbers(process, 0, 100, at_ms(0));
    deliver(process, session, at_ms(0));
    EXPECT_EQ(numbers(session), counting(0, 100));
    session.close();
    ASSERT_TRUE(run_until(process, at_ms(10), [&] { return process.stats().state == SessionState::backing_off; }));
    export_numbers(process, 100, 200, at_ms(20));
    process.for_each_unsent([](std::uint16_t, std::span<const std::uint8_t>) { FAIL() << "the spool has it"; });
  }
  ExportingProcess process(options(), always(collector.address()), at_ms(0));
  ASSERT_TRUE(process.add_template({300, 0, {{0, 1, 4}}}));  // another order, other ids
  TcpSession session = connect(process, collector, at_ms(0));
  deliver(process, session, at_ms(0));
  EXPECT_EQ(process.stats().records_resumed, 100u);
  EXPECT_EQ(process.stats().records_resent, 0u);
  EXPECT_EQ(record_numbers(session.messages(), 1'024, record_octets), counting(100, 200))
      << "an id of its own for a template that this process does not have";
}

// The exporter is killed again and again, at no particular point, and so is the collector's session. Nothing that was
// accepted is missing; what arrives twice was counted.
TEST_F(ExportingSpool, NothingIsMissingWhenBothEndsAreKilled) {
  const TcpCollector collector(65'536);
  struct Shared {
    std::uint64_t accepted = 0, resent = 0;
  };
  auto* const shared =
      static_cast<Shared*>(mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  std::vector<std::uint64_t> arrived;
  constexpr int lives = 12;
  constexpr std::size_t small_queue_octets = 65'536;
  for (int life = 0; life < lives; ++life) {
    const pid_t child = fork();
    if (child == 0) {
      ExportingProcess process(options(64u << 20, small_queue_octets), always(collector.address()), at_ms(0));
      process.add_template(numbered(record_octets));
      const std::uint64_t resent_before = shared->resent;
      for (std::int64_t now_ms = 0;; ++now_ms) {
        for (int i = 0; i < 40; ++i) {
          const bool taken =
              process.export_record(numbered_template, numbered_record(shared->accepted, record_octets), at_ms(now_ms));
          process.run(at_ms(now_ms));  // on disk
          shared->accepted += taken;
        }
        shared->resent = resent_before + process.stats().records_resent;
      }
    }
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(30 + 17 * life % 60);
    TcpSession session = collector.accept();
    while (std::chrono::steady_clock::now() < end) {
      if (!session.is_open()) session = collector.accept();
      if (session.is_open()) session.read(4'096);
    }
    if (life % 3 == 1) session.close();  // what stands unread in it is gone
    const bool counted = life % 3 == 1;
    if (counted) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    if (session.is_open()) session.read();
    for (const std::uint64_t number : numbers(session)) arrived.push_back(number);
    while (true) {  // sessions that came up after that one
      TcpSession later = collector.accept();
      if (!later.is_open()) break;
      later.read();
      for (const std::uint64_t number : numbers(later)) arrived.push_back(number);
    }
  }
  ExportingProcess process(options(), always(collector.address()), at_ms(0));
  ASSERT_TRUE(process.add_template(numbered(record_octets)));
  TcpSession session = connect(process, collector, at_ms(0));
  deliver(process, session, at_ms(0));
  for (const std::uint64_t number : numbers(session)) arrived.push_back(number);

  const std::set<std::uint64_t> distinct(arrived.begin(), arrived.end());
  ASSERT_GT(shared->accepted, 1'000u);
  std::uint64_t missing = 0;
  for (std::uint64_t number = 0; number < shared->accepted; ++number) missing += !distinct.contains(number);
  EXPECT_EQ(missing, 0u) << "of " << shared->accepted;
  // A killed process takes with it what it counted in its last turn: at most a queue's worth.
  const std::uint64_t uncounted = lives * (small_queue_octets / record_octets);
  EXPECT_LE(arrived.size() - distinct.size(), shared->resent + process.stats().records_resent + uncounted);
  munmap(shared, sizeof(Shared));
}

}  // namespace
}  // namespace ipfix
