// The statistics options of RFC 7011 sections 4.1 and 4.3, octet by octet, and when they come.
#include "ipfix/statistics_records.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "ipfix/element.h"
#include "tests/ipfix/loopback_collector.h"

namespace ipfix {
namespace {

using namespace ipfix_test;

constexpr StatisticsTemplates ids{264, 265, 4711};

// octetDeltaCount in four octets, its reverse, packetDeltaCount, an enterprise's element 2, a string.
const Template flows{256, 0, {{0, 1, 4}, {29305, 1, 8}, {0, 2, 8}, {55829, 2, 8}, {0, 96, variable_length}}};

Bytes flow(std::size_t name_octets = 0) {
  Bytes record = from_hex("00000064 0000000000000007 0000000000000003 ffffffffffffffff");  // 100 + 7 octets, 3 packets
  record.push_back(static_cast<std::uint8_t>(name_octets));
  record.resize(record.size() + name_octets, 'x');
  return record;
}

struct Session {
  explicit Session(ExportingOptions options = {}) : process(options, always(collector.address()), at_ms(0)) {
    EXPECT_TRUE(process.add_template(flows));
    EXPECT_TRUE(process.enable_statistics(ids));
    EXPECT_TRUE(run_until(process, at_ms(0), [&] { return process.stats().state == SessionState::connected; }));
    tcp = collector.accept();
  }
  void expect_messages(std::size_t count, std::int64_t now_ms) {
    EXPECT_TRUE(run_until(process, at_ms(now_ms), [&] {
      tcp.read();
      return tcp.messages().size() >= count;
    }));
    EXPECT_EQ(tcp.messages().size(), count);
  }

  TcpCollector collector;
  ExportingProcess process;
  TcpSession tcp{-1};
};

TEST(Statistics, TemplatesOfSections41And43) {
  MessageWriter writer(1, 1400);
  ASSERT_TRUE(writer.add_template(sent_statistics_template(264)));
  ASSERT_TRUE(writer.add_template(not_sent_statistics_template(265)));
  const ParsedMessage message = parse_message(writer.take().octets);
  ASSERT_EQ(message.sets.size(), 1u);
  EXPECT_EQ(message.sets[0].id, 3) << "Options Templates";
  EXPECT_EQ(message.sets[0].body,
            from_hex("0108 0004 0001  0095 0004  0029 0008  002a 0008  0028 0008"
                     "0109 0006 0001  0090 0004  00a6 0008  00a7 0008  00a8 0008  0143 0008  0144 0008"));
}

TEST(Statistics, FollowTheTemplatesOfASessionAndTheInterval) {
  Session session({.observation_domain = 9, .statistics_interval_ms = 30'000});
  session.expect_messages(2, 0);
  const auto& messages = session.tcp.messages();
  EXPECT_EQ(messages[0].sequence, 0u);
  EXPECT_FALSE(messages[0].has_data());
  ASSERT_EQ(messages[1].sets.size(), 2u);
  EXPECT_EQ(messages[1].sequence, 0u);
  EXPECT_EQ(messages[1].sets[0].id, 264);
  // One message before this one: its octets, no flow record.
  Bytes sent = from_hex("00000009 0000000000000001 0000000000000000 00000000000000");
  sent.push_back(static_cast<std::uint8_t>(messages[0].length));
  EXPECT_EQ(messages[1].sets[0].body, sent);
  EXPECT_EQ(messages[1].sets[1].id, 265);
  EXPECT_EQ(messages[1].sets[1].body, from_hex("00001267 0000000000000000 0000000000000000 0000000000000000"
                                               "0000000000000000 83aa7e8000000000"));

  ASSERT_TRUE(session.process.export_record(256, flow(), at_ms(1)));
  session.process.flush(at_ms(1));
  session.expect_messages(3, 29'999);
  EXPECT_EQ(messages[2].sequence, 2u) << "options records count (section 3.1)";
  EXPECT_EQ(session.process.next_deadline_ms(), 30'000);
  session.expect_messages(4, 30'000);
  EXPECT_EQ(messages[3].sequence, 3u);
  ASSERT_EQ(messages[3].sets[0].id, 264);
  EXPECT_EQ(big_endian(messages[3].sets[0].body, 4, 8), 3u) << "messages, this one excluded";
  EXPECT_EQ(big_endian(messages[3].sets[0].body, 12, 8), 1u) << "flow records, no options";
  EXPECT_EQ(big_endian(messages[3].sets[0].body, 20, 8), messages[0].length + messages[1].length + messages[2].length);
}

TEST(Statistics, TellWhatWasLostAndWhen) {
  Session session({.max_message_octets_tcp = 128, .statistics_interval_ms = 1'000});
  session.expect_messages(2, 0);
  ASSERT_TRUE(session.process.export_record(256, flow(200), at_ms(100))) << "longer than any message";
  session.process.lose(2, 5, 600, at_ms(200));
  session.expect_messages(3, 1'000);
  const ParsedMessage& message = session.tcp.messages()[2];
  ASSERT_EQ(message.sets.size(), 2u);
  const Bytes& body = message.sets[1].body;
  EXPECT_EQ(big_endian(body, 4, 8), 3u);
  EXPECT_EQ(big_endian(body, 12, 8), 8u) << "3 and 5 packets";
  EXPECT_EQ(big_endian(body, 20, 8), 707u) << "107 octets, reverse ones included, and 600";
  EXPECT_EQ(big_endian(body, 28, 8), 1'700'000'000'100u);
  EXPECT_EQ(big_endian(body, 36, 4), 1'700'000'000u + 2'208'988'800u) << "NTP: seconds since 1900,";
  EXPECT_EQ(big_endian(body, 40, 4) * 1000 >> 32, 200u) << "and a fraction";
  EXPECT_EQ(big_endian(body, 40, 4) % 2048, 0u) << "of microseconds";
}

TEST(Statistics, ComeOnceMoreAfterTheLastRecord) {
  Session session;
  session.expect_messages(2, 0);
  EXPECT_TRUE(session.process.drained());
  ASSERT_TRUE(session.process.export_record(256, flow(), at_ms(1)));
  session.process.finish(at_ms(1));
  EXPECT_FALSE(session.process.drained());
  session.expect_messages(4, 2);
  EXPECT_TRUE(session.process.drained());
  EXPECT_EQ(session.tcp.messages()[2].sets[0].id, 256);
  ASSERT_EQ(session.tcp.messages()[3].sets[0].id, 264);
  EXPECT_EQ(big_endian(session.tcp.messages()[3].sets[0].body, 12, 8), 1u) << "the last record is counted";
  session.process.run(at_ms(3));
  session.expect_messages(4, 3);
}

TEST(Statistics, WithoutASessionNothingIsOwed) {
  TcpCollector collector;
  collector.close();
  ExportingProcess process({}, always(collector.address()), at_ms(0));
  ASSERT_TRUE(process.enable_statistics(ids));
  EXPECT_FALSE(process.enable_statistics(ids)) << "the ids are taken";
  process.finish(at_ms(0));
  process.run(at_ms(0));
  EXPECT_TRUE(process.drained());
}

TEST(Statistics, CountTheFlowRecordsOfALostMessage) {
  ExportingOptions options;
  ExportingStats stats;
  SessionPreamble preamble(1, 1400);
  preamble.add_template(flows);
  preamble.add_template(sent_statistics_template(264));
  StatisticsRecords statistics(options, preamble, 1400, stats);
  MessageWriter writer(1, 1400);
  writer.add_record(256, flow());
  writer.add_record(264, Bytes(28));
  writer.add_record(256, flow(100));
  statistics.count_lost(writer.take().octets, at_ms(5));
  EXPECT_EQ(stats.not_sent.flows, 2u) << "options are no flows";
  EXPECT_EQ(stats.not_sent.packets, 6u);
  EXPECT_EQ(stats.not_sent.octets, 214u);
  EXPECT_EQ(stats.not_sent.first_wall_ms, 1'700'000'000'005);
  count_not_sent(stats.not_sent, preamble, 256, flow(), at_ms(9));
  EXPECT_EQ(stats.not_sent.first_wall_ms, 1'700'000'000'005);
  EXPECT_EQ(stats.not_sent.last_wall_ms, 1'700'000'000'009);
}

}  // namespace
}  // namespace ipfix
