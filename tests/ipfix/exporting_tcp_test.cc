// The exporting process over TCP, against real sockets on the loopback interface.
#include <gtest/gtest.h>

#include "tests/ipfix/loopback_collector.h"

namespace ipfix {
namespace {

using namespace ipfix_test;

class ExportingTcp : public testing::Test {
 protected:
  void start(ExportingOptions options, std::size_t record_octets = 8, int receive_buffer_octets = 0) {
    collector = std::make_unique<TcpCollector>(receive_buffer_octets);
    process = std::make_unique<ExportingProcess>(options, always(collector->address()), at_ms(0));
    octets_per_record = record_octets;
    ASSERT_TRUE(process->add_template(numbered(record_octets)));
  }
  TcpSession connect(Now now) {
    EXPECT_TRUE(run_until(*process, now, [&] { return process->stats().state == SessionState::connected; }));
    return collector->accept();
  }
  bool export_next(Now now) {
    const bool taken = process->export_record(numbered_template, numbered_record(next_number, octets_per_record), now);
    if (taken) ++next_number;
    return taken;
  }
  // Runs and reads until everything is with the collector.
  void deliver(TcpSession& session, Now now) {
    process->flush(now);
    EXPECT_TRUE(run_until(*process, now, [&] {
      session.read(700);
      return process->drained();
    }));
    const std::uint64_t sent = process->stats().messages_sent;
    EXPECT_TRUE(run_until(*process, now, [&] {
      session.read();
      return session.messages().size() >= sent - sent_before_session && session.cut_octets() == 0;
    }));
  }
  std::vector<std::uint64_t> numbers(const TcpSession& session) const {
    return record_numbers(session.messages(), numbered_template, octets_per_record);
  }

  std::unique_ptr<TcpCollector> collector;
  std::unique_ptr<ExportingProcess> process;
  std::size_t octets_per_record = 8;
  std::uint64_t next_number = 0;
  std::uint64_t sent_before_session = 0;
};

// Every message's sequence number is the count of records in those before it.
void expect_sequence_numbers(const TcpSession& session, std::size_t record_octets) {
  std::uint32_t expected = 0;
  for (const ParsedMessage& message : session.messages()) {
    EXPECT_EQ(message.sequence, expected);
    expected += static_cast<std::uint32_t>(record_numbers({message}, numbered_template, record_octets).size());
  }
}

TEST_F(ExportingTcp, SendsTemplatesFirstAndThenData) {
  start({.observation_domain = 77});
  TcpSession session = connect(at_ms(0));
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(export_next(at_ms(5'000)));
  deliver(session, at_ms(5'000));

  ASSERT_EQ(session.messages().size(), 2u);
  const ParsedMessage& templates = session.messages()[0];
  ASSERT_EQ(templates.sets.size(), 1u);
  EXPECT_EQ(templates.sets[0].id, 2);
  EXPECT_EQ(templates.sets[0].body, from_hex("0100 0001 0001 0008"));
  EXPECT_EQ(templates.sequence, 0u);
  EXPECT_EQ(templates.domain, 77u);
  EXPECT_EQ(templates.export_time, 1'700'000'000u);
  EXPECT_EQ(session.messages()[1].export_time, 1'700'000'005u);
  EXPECT_EQ(numbers(session), counting(0, 10));
  EXPECT_EQ(process->stats().records_sent, 10u);
  EXPECT_EQ(process->stats().templates_sent, 1u);
  EXPECT_EQ(process->stats().messages_sent, 2u);
  EXPECT_EQ(process->stats().octets_sent, 28u + 100u);
  EXPECT_EQ(process->stats().sequence, 10u);
}

TEST_F(ExportingTcp, CountsRecordsNotTemplatesInTheSequenceNumber) {
  start({});
  TcpSession session = connect(at_ms(0));
  for (int message = 0; message < 3; ++message) {
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(export_next(at_ms(0)));
    deliver(session, at_ms(0));
  }
  ASSERT_TRUE(process->add_template({300, 1, {{0, 149, 4}, {0, 41, 8}}}));  // in the middle of the session
  ASSERT_TRUE(process->export_record(300, Bytes(12), at_ms(0)));
  deliver(session, at_ms(0));

  std::vector<std::uint32_t> sequences;
  for (const ParsedMessage& message : session.messages()) sequences.push_back(message.sequence);
  EXPECT_EQ(sequences, (std::vector<std::uint32_t>{0, 0, 5, 10, 15, 15}));
  EXPECT_TRUE(session.messages()[4].has_set(3));
  EXPECT_TRUE(session.messages()[5].has_set(300));
  EXPECT_EQ(process->stats().sequence, 16u);
}

TEST_F(ExportingTcp, StampsTheTimeOfSendingNotOfExport) {
  start({});
  ASSERT_TRUE(export_next(at_ms(0)));
  process->flush(at_ms(0));
  TcpSession session = connect(at_ms(30'000));
  deliver(session, at_ms(30'000));
  ASSERT_EQ(session.messages().size(), 2u);
  EXPECT_EQ(session.messages()[1].export_time, 1'700'000'030u);
}

TEST_F(ExportingTcp, HoldsARecordNoLongerThanTheBatchDelay) {
  start({.max_batch_delay_ms = 200});
  TcpSession session = connect(at_ms(0));
  ASSERT_TRUE(export_next(at_ms(1'000)));
  ASSERT_TRUE(export_next(at_ms(1'150)));
  process->run(at_ms(1'199));
  EXPECT_FALSE(process->drained());
  EXPECT_EQ(process->next_deadline_ms(), 1'200);
  process->run(at_ms(1'200));
  EXPECT_EQ(process->stats().records_sent, 2u);
  EXPECT_EQ(process->next_deadline_ms(), 1'200 + 1'000) << "to look for the acknowledgement";
  deliver(session, at_ms(1'200));
  process->run(at_ms(2'200));
  EXPECT_TRUE(process->drained());
  EXPECT_EQ(process->next_deadline_ms(), std::nullopt);
  EXPECT_EQ(session.messages().size(), 2u);
  EXPECT_EQ(numbers(session), counting(0, 2));
}

TEST_F(ExportingTcp, FillsMessagesToTheLimit) {
  start({.max_message_octets_tcp = 1000}, 50);
  TcpSession session = connect(at_ms(0));
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(export_next(at_ms(0)));
  deliver(session, at_ms(0));
  // 16 + 4 + 19 × 50 = 970
  ASSERT_EQ(session.messages().size(), 1u + 6u);
  for (std::size_t i = 1; i < 6; ++i) EXPECT_EQ(session.messages()[i].length, 970u);
  EXPECT_EQ(numbers(session), counting(0, 100));
  expect_sequence_numbers(session, 50);
}

TEST_F(ExportingTcp, FillsMessagesOfTheGreatestLength) {
  start({}, 1000);
  TcpSession session = connect(at_ms(0));
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(export_next(at_ms(0)));
  deliver(session, at_ms(0));
  EXPECT_EQ(session.messages()[1].length, 20u + 57u * 1000u);
  EXPECT_EQ(numbers(session), counting(0, 200));
}

TEST_F(ExportingTcp, GoesOnAfterPartialWritesToASlowReader) {
  start({}, 1000, 4096);
  TcpSession session = connect(at_ms(0));
  for (int i = 0; i < 12'000; ++i) ASSERT_TRUE(export_next(at_ms(0)));
  ASSERT_TRUE(run_until(*process, at_ms(0), [&] { return (process->events() & POLLOUT) != 0; }));
  EXPECT_EQ(process->next_deadline_ms(), 1'000) << "only the socket can help; acknowledgements free memory";
  EXPECT_FALSE(process->drained());
  deliver(session, at_ms(100));
  EXPECT_EQ(numbers(session), counting(0, 12'000));
  expect_sequence_numbers(session, 1000);
  EXPECT_EQ(process->stats().records_lost, 0u);
}

TEST_F(ExportingTcp, RefusesWhenTheQueueIsFullAndRecovers) {
  start({.max_message_octets_tcp = 4096, .queue_octets = 20'000}, 100);
  while (export_next(at_ms(0))) {
  }
  const std::uint64_t taken = next_number;
  EXPECT_GT(taken, 180u);
  EXPECT_FALSE(process->can_accept(100));
  EXPECT_FALSE(export_next(at_ms(0)));
  EXPECT_EQ(process->stats().records_accepted, taken);
  EXPECT_EQ(process->stats().records_refused, 2u);
  EXPECT_LE(process->stats().queued_octets, 20'000u);

  TcpSession session = connect(at_ms(10));
  deliver(session, at_ms(10));
  EXPECT_TRUE(process->can_accept(100));
  EXPECT_EQ(process->stats().queued_octets, 0u);
  ASSERT_TRUE(export_next(at_ms(20)));
  deliver(session, at_ms(20));
  EXPECT_EQ(numbers(session), counting(0, taken + 1));
  EXPECT_EQ(process->stats().records_sent, taken + 1);
}

TEST_F(ExportingTcp, CountsARecordLongerThanAnyMessageAsLost) {
  start({.max_message_octets_tcp = 100}, 8);
  EXPECT_EQ(process->max_record_octets(), 80u);
  EXPECT_TRUE(process->can_accept(81));
  EXPECT_TRUE(process->export_record(numbered_template, Bytes(81), at_ms(0)));
  EXPECT_EQ(process->stats().records_lost, 1u);
  EXPECT_NE(process->stats().last_error.find("81 octets"), std::string::npos);
  EXPECT_TRUE(process->drained());
  ASSERT_TRUE(export_next(at_ms(0)));
  TcpSession session = connect(at_ms(10));
  deliver(session, at_ms(10));
  EXPECT_EQ(session.messages().back().sequence, 1u);  // the gap tells the collector
}

TEST_F(ExportingTcp, SendsSessionRecordsWithTheTemplates) {
  start({});
  ASSERT_TRUE(process->add_template({400, 2, {{0, 346, 4}, {0, 303, 2}, {0, 339, 1}}}));
  ASSERT_TRUE(process->add_session_record(400, from_hex("0000da15 0065 0d")));
  EXPECT_FALSE(process->add_session_record(401, from_hex("00")));
  ASSERT_TRUE(export_next(at_ms(0)));
  TcpSession session = connect(at_ms(0));
  deliver(session, at_ms(0));
  ASSERT_EQ(session.messages().size(), 2u);
  EXPECT_TRUE(session.messages()[0].has_set(400));
  EXPECT_EQ(session.messages()[0].sequence, 0u);
  EXPECT_EQ(session.messages()[1].sequence, 1u);
  EXPECT_EQ(process->stats().records_sent, 1u);  // of those that were exported
}

TEST_F(ExportingTcp, IgnoresWhatTheCollectorSays) {
  start({});
  TcpSession session = connect(at_ms(0));
  session.say("HTTP/1.1 400 Bad Request\r\n\r\n");
  ASSERT_TRUE(export_next(at_ms(0)));
  deliver(session, at_ms(0));
  EXPECT_EQ(numbers(session), counting(0, 1));
  EXPECT_EQ(process->stats().state, SessionState::connected);
}

TEST_F(ExportingTcp, ClosesWithoutDestroyingWhatIsOnItsWay) {
  start({}, 1000);
  TcpSession session = connect(at_ms(0));
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(export_next(at_ms(0)));
  process->flush(at_ms(0));
  ASSERT_TRUE(run_until(*process, at_ms(0), [&] { return process->drained(); }));
  session.say("unread by the exporter");
  process.reset();
  while (!session.ended()) session.read();
  EXPECT_EQ(numbers(session), counting(0, 100));
}

TEST(ExportingTcpIpv6, ReachesACollectorOverIpv6) {
  TcpCollector collector(0, "::1");
  ASSERT_TRUE(collector.is_open()) << "no IPv6 loopback address here";
  ExportingProcess process({}, always(collector.address()), at_ms(0));
  ASSERT_TRUE(process.add_template(numbered(8)));
  ASSERT_TRUE(run_until(process, at_ms(0), [&] { return process.stats().messages_sent == 1; }));
  TcpSession session = collector.accept();
  ASSERT_TRUE(run_until(process, at_ms(0), [&] {
    session.read();
    return !session.messages().empty();
  }));
  EXPECT_EQ(process.stats().peer, "[::1]:" + std::to_string(port_of(collector.address())));
}

}  // namespace
}  // namespace ipfix
