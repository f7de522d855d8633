// Sessions over TLS that are up: full sockets, new keys, the end of a session, what the collector's host acknowledged.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>

#include "ipfix/tls_socket.h"
#include "tests/ipfix/tls_collector.h"

namespace ipfix {
namespace {

using namespace ipfix_test;
using testing::HasSubstr;

constexpr std::size_t record_octets = 1000;

class TlsStream : public testing::Test {
 protected:
  ExportingProcess connect(TlsCollector& collector) {
    return ExportingProcess({.transport = Transport::tls, .tls = context_}, always(collector.address()), at_ms(0));
  }
  bool run_to_state(ExportingProcess& process, TlsCollector& collector, SessionState state, Now now) {
    return run_until(process, now, [&] {
      collector.step();
      return process.stats().state == state;
    });
  }
  void export_numbers(ExportingProcess& process, std::uint64_t first, std::uint64_t end) {
    for (std::uint64_t number = first; number < end; ++number) {
      ASSERT_TRUE(process.export_record(numbered_template, numbered_record(number, record_octets), at_ms(0)));
    }
    process.flush(at_ms(0));
  }
  bool arrive(ExportingProcess& process, TlsCollector& collector, std::uint64_t end) {
    const bool came = run_until(process, at_ms(0), [&] {
      collector.step();
      return record_numbers(collector.messages(), numbered_template, record_octets).size() == end;
    });
    EXPECT_EQ(record_numbers(collector.messages(), numbered_template, record_octets), counting(0, end));
    return came;
  }

  TlsFiles files_;
  TestAuthority authority_{"authority of collectors"};
  Certificate certificate_ = authority_.issue("collector", "DNS:collector.example");
  std::shared_ptr<TlsContext> context_ = std::make_shared<TlsContext>(files_.trusting(authority_, "collector.example"));
};

TEST_F(TlsStream, AFullSocketLosesAndRepeatsNothing) {
  TlsCollector collector(certificate_);
  ExportingProcess process = connect(collector);
  ASSERT_TRUE(process.add_template(numbered(record_octets)));
  ASSERT_TRUE(run_to_state(process, collector, SessionState::connected, at_ms(0)));
  export_numbers(process, 0, 12'000);
  ASSERT_TRUE(run_until(process, at_ms(0), [&] { return (process.events() & POLLOUT) != 0; }));  // it reads nothing
  EXPECT_FALSE(process.drained());
  EXPECT_TRUE(arrive(process, collector, 12'000));
}

TEST_F(TlsStream, TheCollectorMayChangeKeysUnderAFullSocket) {
  TlsCollector collector(certificate_);
  ExportingProcess process = connect(collector);
  ASSERT_TRUE(process.add_template(numbered(record_octets)));
  ASSERT_TRUE(run_to_state(process, collector, SessionState::connected, at_ms(0)));
  export_numbers(process, 0, 12'000);
  ASSERT_TRUE(run_until(process, at_ms(0), [&] { return (process.events() & POLLOUT) != 0; }));
  ASSERT_EQ(SSL_key_update(collector.session(), SSL_KEY_UPDATE_REQUESTED), 1);
  ASSERT_EQ(SSL_do_handshake(collector.session()), 1);
  collector.write();
  EXPECT_TRUE(arrive(process, collector, 12'000));
  export_numbers(process, 12'000, 12'100);
  EXPECT_TRUE(arrive(process, collector, 12'100));
}

// A record that OpenSSL has begun to write is finished before anything else, a new template's included.
TEST_F(TlsStream, ATemplateAddedUnderAFullSocketComesAfterWhatWasBegun) {
  TlsCollector collector(certificate_);
  ExportingProcess process(
      {.transport = Transport::tls, .max_message_octets_tcp = 16'000, .tls = context_},  // a TLS record each
      always(collector.address()), at_ms(0));
  ASSERT_TRUE(process.add_template(numbered(record_octets)));
  ASSERT_TRUE(run_to_state(process, collector, SessionState::connected, at_ms(0)));
  export_numbers(process, 0, 12'000);
  ASSERT_TRUE(run_until(process, at_ms(0), [&] { return (process.events() & POLLOUT) != 0; }));
  ASSERT_TRUE(process.add_template({300, 0, {{0, 1, 8}}}));
  EXPECT_TRUE(arrive(process, collector, 12'000));
  EXPECT_EQ(process.stats().templates_sent, 2u);
}

// TLS 1.2: its renegotiation is declined, as it has been a way to attack; the session goes on.
TEST_F(TlsStream, ARenegotiationIsDeclined) {
  TlsCollector collector(certificate_);
  SSL_CTX_set_max_proto_version(collector.context(), TLS1_2_VERSION);
  ExportingProcess process = connect(collector);
  ASSERT_TRUE(process.add_template(numbered(record_octets)));
  ASSERT_TRUE(run_to_state(process, collector, SessionState::connected, at_ms(0)));
  ASSERT_EQ(SSL_renegotiate(collector.session()), 1);
  SSL_do_handshake(collector.session());
  collector.write();
  pollfd request{process.fd(), POLLIN, 0};
  ASSERT_EQ(poll(&request, 1, 10'000), 1);
  export_numbers(process, 0, 100);
  process.run(at_ms(0));
  process.run(at_ms(0));
  EXPECT_EQ(process.stats().state, SessionState::connected) << process.stats().last_error;
}

TEST_F(TlsStream, TheCollectorsGoodbyeIsItsClose) {
  TlsCollector collector(certificate_);
  ExportingProcess process = connect(collector);
  ASSERT_TRUE(run_to_state(process, collector, SessionState::connected, at_ms(0)));
  SSL_shutdown(collector.session());
  collector.write();
  ASSERT_TRUE(run_until(process, at_ms(50), [&] { return process.stats().state == SessionState::backing_off; }));
  EXPECT_EQ(process.stats().last_error,
            "export to tls " + to_string(collector.address()) + ": closed by the collector");
  EXPECT_EQ(process.stats().authentication_failures, 0u);
}

TEST_F(TlsStream, ACutConnectionIsToldFromAGoodbye) {
  TlsCollector collector(certificate_);
  ExportingProcess process = connect(collector);
  ASSERT_TRUE(run_to_state(process, collector, SessionState::connected, at_ms(0)));
  collector.close();
  ASSERT_TRUE(run_until(process, at_ms(50), [&] { return process.stats().state == SessionState::backing_off; }));
  EXPECT_THAT(process.stats().last_error, HasSubstr("closed by the collector without a close_notify"));
}

TEST_F(TlsStream, ItsOwnCloseSaysGoodbye) {
  TlsCollector collector(certificate_);
  {
    ExportingProcess process = connect(collector);
    ASSERT_TRUE(process.add_template(numbered(record_octets)));
    ASSERT_TRUE(run_to_state(process, collector, SessionState::connected, at_ms(0)));
    export_numbers(process, 0, 50);
    ASSERT_TRUE(arrive(process, collector, 50));
  }
  pollfd end{collector.fd(), POLLIN, 0};
  ASSERT_EQ(poll(&end, 1, 10'000), 1);
  collector.step();
  EXPECT_TRUE(collector.said_goodbye());
}

bool was_raised = false;

// A collector that vanished is an error, not a signal; how the process takes signals is not the library's business.
TEST_F(TlsStream, AVanishedCollectorRaisesNoSignal) {
  struct sigaction before {};
  struct sigaction noticing {};
  noticing.sa_handler = [](int) { was_raised = true; };
  ASSERT_EQ(sigaction(SIGPIPE, &noticing, &before), 0);
  TlsCollector collector(certificate_);
  TlsSocket socket(0, context_);
  IoResult result = socket.open(collector.address());
  for (int turns = 0; turns < 10'000 && result.status == IoStatus::blocked; ++turns) {
    collector.step();
    pollfd wanted{socket.fd(), socket.connecting_events(), 0};
    poll(&wanted, 1, 10);
    result = socket.finish_connect();
  }
  ASSERT_EQ(result.status, IoStatus::done) << socket.error_text(result);
  collector.close();
  const Bytes octets(100'000, 'x');
  while (result.status != IoStatus::failed) result = socket.send(octets);
  EXPECT_THAT(socket.error_text(result), testing::AnyOf(HasSubstr("Broken pipe"), HasSubstr("reset by peer")));
  socket.close();
  struct sigaction after {};
  sigaction(SIGPIPE, &before, &after);
  EXPECT_EQ(after.sa_handler, noticing.sa_handler);
  EXPECT_FALSE(was_raised);
}

// What the collector's host acknowledged, in octets on the wire: more than was offered, and all of it in the end.
TEST_F(TlsStream, CountsWhatTheCollectorsHostAcknowledged) {
  TlsCollector collector(certificate_);
  TlsSocket socket(0, context_);
  IoResult result = socket.open(collector.address());
  for (int turns = 0; turns < 10'000 && result.status == IoStatus::blocked; ++turns) {
    collector.step();
    pollfd wanted{socket.fd(), socket.connecting_events(), 0};
    poll(&wanted, 1, 10);
    result = socket.finish_connect();
  }
  ASSERT_EQ(result.status, IoStatus::done) << socket.error_text(result);
  const std::uint64_t of_handshake = socket.octets_written();
  EXPECT_GT(of_handshake, 0u);
  const Bytes octets(65'535, 'x');
  std::size_t offered = 0;
  for (result = socket.send(octets); result.status == IoStatus::done; result = socket.send(octets)) {
    offered += result.octets;
  }
  EXPECT_EQ(result.status, IoStatus::blocked);
  EXPECT_EQ(socket.blocked_events(), POLLOUT);
  EXPECT_GT(socket.octets_written(), of_handshake + offered);
  EXPECT_LT(socket.octets_acknowledged().value(), socket.octets_written());
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (socket.octets_acknowledged() != socket.octets_written() && std::chrono::steady_clock::now() < give_up) {
    collector.read_raw();
  }
  EXPECT_EQ(socket.octets_acknowledged(), socket.octets_written());
}

}  // namespace
}  // namespace ipfix
