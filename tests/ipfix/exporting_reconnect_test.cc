// Sessions that fail, break and come back.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/ipfix/loopback_collector.h"

namespace ipfix {
namespace {

using namespace ipfix_test;

constexpr std::size_t record_octets = 1000;

bool run_to_state(ExportingProcess& process, SessionState state, Now now) {
  return run_until(process, now, [&] { return process.stats().state == state; });
}

void export_numbers(ExportingProcess& process, std::uint64_t first, std::uint64_t end, Now now) {
  for (std::uint64_t number = first; number < end; ++number) {
    ASSERT_TRUE(process.export_record(numbered_template, numbered_record(number, record_octets), now));
  }
}

TEST(ExportingReconnect, BacksOffFromARefusingCollector) {
  const Descriptor refusing = bound_socket(SOCK_STREAM);  // bound, not listening
  ExportingProcess process({.reconnect_initial_ms = 1'000, .reconnect_max_ms = 8'000},
                           always(local_address(refusing.get())), at_ms(0));
  std::int64_t now_ms = 0;
  std::vector<std::int64_t> attempts;
  for (std::uint64_t failures = 1; failures <= 6; ++failures) {
    attempts.push_back(now_ms);
    ASSERT_TRUE(run_until(process, at_ms(now_ms), [&] { return process.stats().connect_failures == failures; }));
    EXPECT_EQ(process.stats().state, SessionState::backing_off);
    EXPECT_EQ(process.fd(), -1);
    EXPECT_EQ(process.events(), 0);
    const std::int64_t next_ms = process.next_deadline_ms().value();
    process.run(at_ms(next_ms - 1));
    EXPECT_EQ(process.stats().connect_failures, failures) << "tried before its time";
    now_ms = next_ms;
  }
  EXPECT_EQ(attempts, (std::vector<std::int64_t>{0, 1'000, 3'000, 7'000, 15'000, 23'000}));
  EXPECT_EQ(process.stats().last_error,
            "connect to tcp " + to_string(local_address(refusing.get())) + ": Connection refused");
  EXPECT_EQ(process.stats().connects, 0u);
}

TEST(ExportingReconnect, AsksForTheAddressAtEveryAttempt) {
  const TcpCollector collector;
  int asked = 0;
  ExportingProcess process(
      {.reconnect_initial_ms = 1'000},
      [&](std::string& error) -> std::optional<SocketAddress> {
        if (++asked < 3) {
          error = "service flow/collector has no endpoints";
          return std::nullopt;
        }
        return collector.address();
      },
      at_ms(0));
  EXPECT_EQ(process.stats().state, SessionState::idle);
  EXPECT_EQ(process.next_deadline_ms(), 0);
  process.run(at_ms(0));
  EXPECT_EQ(process.stats().state, SessionState::resolving);
  EXPECT_EQ(process.stats().last_error, "find the collector's address: service flow/collector has no endpoints");
  EXPECT_EQ(process.next_deadline_ms(), 1'000);
  process.run(at_ms(500));
  EXPECT_EQ(asked, 1);
  process.run(at_ms(1'000));
  EXPECT_EQ(process.next_deadline_ms(), 3'000);
  ASSERT_TRUE(run_to_state(process, SessionState::connected, at_ms(3'000)));
  EXPECT_EQ(process.stats().last_error, "");
  EXPECT_EQ(process.stats().connects, 1u);
  EXPECT_EQ(process.stats().connect_failures, 2u);
  EXPECT_EQ(process.stats().state_since_wall_ms, at_ms(3'000).wall_ms);
}

TEST(ExportingReconnect, NoticesTheCollectorsCloseWhileIdle) {
  const TcpCollector collector;
  ExportingProcess process({}, always(collector.address()), at_ms(0));
  ASSERT_TRUE(run_to_state(process, SessionState::connected, at_ms(0)));
  EXPECT_NE(process.events() & POLLRDHUP, 0);
  EXPECT_NE(process.events() & POLLIN, 0);
  collector.accept().close();
  ASSERT_TRUE(run_to_state(process, SessionState::backing_off, at_ms(50)));
  EXPECT_EQ(process.stats().last_error,
            "export to tcp " + to_string(collector.address()) + ": closed by the collector");
  EXPECT_EQ(process.next_deadline_ms(), 50 + 1'000);
}

TEST(ExportingReconnect, SendsTheTemplatesInEverySession) {
  const TcpCollector collector;
  ExportingProcess process({}, always(collector.address()), at_ms(0));
  ASSERT_TRUE(process.add_template(numbered(record_octets)));
  std::int64_t now_ms = 0;
  for (std::uint64_t number = 0; number < 3; ++number) {
    ASSERT_TRUE(run_to_state(process, SessionState::connected, at_ms(now_ms)));
    TcpSession session = collector.accept();
    export_numbers(process, number, number + 1, at_ms(now_ms));
    process.flush(at_ms(now_ms));
    ASSERT_TRUE(run_until(process, at_ms(now_ms), [&] {
      session.read();
      return session.messages().size() == 2;
    }));
    EXPECT_TRUE(session.messages()[0].has_set(2));
    EXPECT_FALSE(session.messages()[0].has_data());
    EXPECT_EQ(session.messages()[1].sequence, 0u);
    EXPECT_EQ(record_numbers(session.messages(), numbered_template, record_octets), counting(number, number + 1));
    now_ms += 5'000;
    session.close();
    ASSERT_TRUE(run_to_state(process, SessionState::backing_off, at_ms(now_ms)));
    EXPECT_EQ(process.next_deadline_ms(), now_ms + 1'000) << "the session lived, so the wait starts over";
    now_ms += 1'000;
  }
  EXPECT_EQ(process.stats().templates_sent, 3u);
  EXPECT_EQ(process.stats().connects, 3u);
}

TEST(ExportingReconnect, WaitsLongerForACollectorThatHangsUpAtOnce) {
  const TcpCollector collector;
  ExportingProcess process({.reconnect_initial_ms = 1'000}, always(collector.address()), at_ms(0));
  std::int64_t now_ms = 0;
  std::vector<std::int64_t> waits;
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(run_to_state(process, SessionState::connected, at_ms(now_ms)));
    collector.accept().close();
    ASSERT_TRUE(run_to_state(process, SessionState::backing_off, at_ms(now_ms)));
    waits.push_back(process.next_deadline_ms().value() - now_ms);
    now_ms = process.next_deadline_ms().value();
  }
  EXPECT_EQ(waits, (std::vector<std::int64_t>{1'000, 2'000, 4'000, 8'000}));
}

// A session that the collector resets while the socket is full, and the one after it.
struct BrokenSession {
  static constexpr std::uint64_t total = 12'000;

  explicit BrokenSession(std::size_t resend_octets)
      : process({.max_message_octets_tcp = 1'100, .resend_octets = resend_octets}, always(collector.address()),
                at_ms(0)) {
    process.add_template(numbered(record_octets));
    run_to_state(process, SessionState::connected, at_ms(0));
    TcpSession first = collector.accept();
    export_numbers(process, 0, total, at_ms(0));
    run_until(process, at_ms(0), [&] { return (process.events() & POLLOUT) != 0; });
    first.close();  // with everything unread
    run_to_state(process, SessionState::backing_off, at_ms(10));
    broken = process.stats();
    process.flush(at_ms(10));
    run_to_state(process, SessionState::connected, at_ms(2'000));
    TcpSession session = collector.accept();
    all_arrived = run_until(process, at_ms(2'000), [&] {
      session.read();
      return process.drained();
    });
    session.read();
    second = session.messages();
    read_by_second = record_numbers(second, numbered_template, record_octets);
  }

  const TcpCollector collector{4096};
  ExportingProcess process;
  ExportingStats broken;
  bool all_arrived = false;
  std::vector<std::uint64_t> read_by_second;
  std::vector<ParsedMessage> second;
};

TEST(ExportingReconnect, SendsAgainWhatTheCollectorsHostHadNotAcknowledged) {
  BrokenSession sessions(0);
  ASSERT_TRUE(sessions.all_arrived);
  const ExportingStats& broken = sessions.broken;
  EXPECT_GT(broken.records_resent, 0u);
  EXPECT_LT(broken.records_resent, broken.records_sent);
  EXPECT_EQ(broken.records_lost, 0u) << "a cut message is nothing the collector can use: it leaves again, whole";
  const std::uint64_t acknowledged = broken.records_sent - broken.records_resent;
  EXPECT_EQ(sessions.read_by_second, counting(acknowledged, BrokenSession::total));
  EXPECT_EQ(sessions.process.stats().records_sent, BrokenSession::total + broken.records_resent);

  EXPECT_TRUE(sessions.second[0].has_set(2));
  EXPECT_EQ(sessions.second[0].sequence, 0u);
  EXPECT_EQ(sessions.second[1].sequence, 0u);
  EXPECT_EQ(sessions.second[2].sequence, record_numbers({sessions.second[1]}, 256, record_octets).size());
  EXPECT_EQ(sessions.second[1].export_time, 1'700'000'002u);
}

TEST(ExportingReconnect, SendsAgainWhatMayHaveStoodUnreadInTheCollectorsSocket) {
  BrokenSession sessions(64u << 20);
  ASSERT_TRUE(sessions.all_arrived);
  EXPECT_EQ(sessions.broken.records_resent, sessions.broken.records_sent);
  EXPECT_EQ(sessions.read_by_second, counting(0, BrokenSession::total));
}

TEST(ExportingReconnect, SendsNothingAgainThatWasReadBeforeAnOrderlyClose) {
  const TcpCollector collector;
  ExportingProcess process({.resend_octets = 64u << 20}, always(collector.address()), at_ms(0));
  ASSERT_TRUE(process.add_template(numbered(record_octets)));
  ASSERT_TRUE(run_to_state(process, SessionState::connected, at_ms(0)));
  TcpSession first = collector.accept();
  export_numbers(process, 0, 500, at_ms(0));
  process.flush(at_ms(0));
  ASSERT_TRUE(run_until(process, at_ms(0), [&] {
    first.read();
    return process.drained();
  }));
  first.read();
  first.close();
  ASSERT_TRUE(run_to_state(process, SessionState::backing_off, at_ms(10)));
  EXPECT_EQ(process.stats().records_resent, 0u);
  EXPECT_TRUE(process.drained());
}

TEST(ExportingReconnect, KeepsRecordsWhileNoCollectorIsThere) {
  Descriptor refusing = bound_socket(SOCK_STREAM);
  const std::uint16_t port = port_of(local_address(refusing.get()));
  ExportingProcess process({.reconnect_initial_ms = 1'000}, always(local_address(refusing.get())), at_ms(0));
  ASSERT_TRUE(process.add_template(numbered(record_octets)));
  ASSERT_TRUE(run_to_state(process, SessionState::backing_off, at_ms(0)));
  export_numbers(process, 0, 500, at_ms(0));
  refusing.close();
  const TcpCollector collector(0, "127.0.0.1", port);
  ASSERT_TRUE(collector.is_open());
  ASSERT_TRUE(run_to_state(process, SessionState::connected, at_ms(1'000)));
  TcpSession session = collector.accept();
  ASSERT_TRUE(run_until(process, at_ms(1'000), [&] {
    session.read();
    return record_numbers(session.messages(), numbered_template, record_octets).size() == 500;
  }));
  EXPECT_EQ(record_numbers(session.messages(), numbered_template, record_octets), counting(0, 500));
}

TEST(ExportingReconnect, GivesUpAHandshakeThatLastsTooLong) {
  // A listener whose queue is full lets further handshakes hang.
  const Descriptor listener = bound_socket(SOCK_STREAM);
  ASSERT_EQ(listen(listener.get(), 0), 0);
  const SocketAddress address = local_address(listener.get());
  std::vector<Descriptor> fillers;
  for (int i = 0; i < 4; ++i) {
    fillers.emplace_back(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    static_cast<void>(
        !connect(fillers.back().get(), reinterpret_cast<const sockaddr*>(&address.storage), address.length));
  }
  ExportingProcess process({.connect_timeout_ms = 3'000}, always(address), at_ms(0));
  process.run(at_ms(0));
  ASSERT_EQ(process.stats().state, SessionState::connecting);
  EXPECT_EQ(process.events(), POLLOUT);
  EXPECT_EQ(process.next_deadline_ms(), 3'000);
  process.run(at_ms(2'999));
  EXPECT_EQ(process.stats().state, SessionState::connecting);
  process.run(at_ms(3'000));
  EXPECT_EQ(process.stats().state, SessionState::backing_off);
  EXPECT_EQ(process.stats().last_error, "connect to tcp " + to_string(address) + ": Connection timed out");
  EXPECT_EQ(process.next_deadline_ms(), 4'000);
}

}  // namespace
}  // namespace ipfix
