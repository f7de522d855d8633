#include "ipfix/sequence_tracker.h"

#include <gtest/gtest.h>

#include "tests/ipfix/collector_under_test.h"

namespace {

using ipfix::Finding;

// What a message with this header and so many records is found to be.
struct Tracked {
  ipfix::SequenceTracker tracker;
  std::uint32_t lost = 0;
  Finding operator()(std::uint32_t sequence, std::uint32_t records, std::uint32_t export_time = 100) {
    const Finding finding = tracker.message(sequence, export_time, lost);
    tracker.carried(records, true);
    return finding;
  }
};

TEST(SequenceTracker, FirstMessageMayBeginAnywhere) {
  Tracked message;
  EXPECT_EQ(message(4711, 3), Finding::none);
  EXPECT_EQ(message(4714, 0), Finding::none);
  EXPECT_EQ(message(4714, 1), Finding::none);
}

TEST(SequenceTracker, GapIsCountedOnce) {
  Tracked message;
  message(0, 10);
  EXPECT_EQ(message(15, 1), Finding::records_missing);
  EXPECT_EQ(message.lost, 5U);
  EXPECT_EQ(message(16, 1), Finding::none);
  EXPECT_EQ(message.lost, 0U);
}

TEST(SequenceTracker, WrapIsNoLoss) {
  Tracked message;
  message(0xfffffff0, 0x20);
  EXPECT_EQ(message(0x10, 1), Finding::none);
  message(0xfffffffe, 1, 50);
  Tracked across;
  across(0xfffffffe, 1);
  EXPECT_EQ(across(3, 1), Finding::records_missing) << "a gap across the wrap";
  EXPECT_EQ(across.lost, 4U);
}

TEST(SequenceTracker, RestartIsNoGiantLoss) {
  for (const std::uint32_t before : {1'000'000U, 3'000'000'000U}) {
    Tracked message;
    message(before, 10);
    EXPECT_EQ(message(0, 5, 101), Finding::exporter_restarted) << before;
    EXPECT_EQ(message.lost, 0U);
    EXPECT_EQ(message(5, 1, 101), Finding::none);
  }
  Tracked random_start;
  random_start(10, 1);
  EXPECT_EQ(random_start(2'000'000'000, 1, 101), Finding::exporter_restarted);
}

TEST(SequenceTracker, OvertakenMessageChangesNothing) {
  Tracked message;
  message(0, 10);
  EXPECT_EQ(message(20, 10), Finding::records_missing);
  EXPECT_EQ(message(10, 10), Finding::message_out_of_order);
  EXPECT_EQ(message(30, 1), Finding::none) << "no second loss";
}

TEST(SequenceTracker, UncountableMessageIsNoLoss) {
  ipfix::SequenceTracker tracker;
  std::uint32_t lost = 0;
  tracker.message(0, 100, lost);
  tracker.carried(1, true);
  tracker.message(1, 100, lost);
  tracker.carried(0, false);
  EXPECT_EQ(tracker.message(50, 100, lost), Finding::none);
  EXPECT_EQ(lost, 0U);
}

TEST(SequenceNumbers, CountOptionsRecordsAndBelongToDomains) {
  using ipfix_test::Bytes;
  using ipfix_test::MessageBuilder;
  ipfix_test::CollectorUnderTest collector;
  const Bytes options = ipfix_test::options_template_record(300, 1, {{0, 141, 1}});
  const Bytes data = ipfix_test::template_record(256, {{0, 4, 1}});
  collector.datagram(MessageBuilder(0, 1).templates(data).options_templates(options));
  collector.datagram(MessageBuilder(0, 1).set(256, Bytes().u8(6)).set(300, Bytes().u8(1).u8(2)));
  collector.datagram(MessageBuilder(3, 1));
  collector.datagram(MessageBuilder(100, 2).templates(data));
  EXPECT_EQ(collector.process.stats().records_missing, 0U);
  collector.datagram(MessageBuilder(7, 1).set(256, Bytes().u8(6)));
  EXPECT_EQ(collector.process.stats().records_missing, 4U);
  EXPECT_EQ(collector.last_report.amount, 4U);
  collector.datagram(MessageBuilder(3, 1).set(256, Bytes().u32(0)));
  EXPECT_EQ(collector.process.stats().records_late, 4U);
  EXPECT_EQ(collector.records.size(), 8U);
}

TEST(SequenceNumbers, DiscardedMessageIsALoss) {
  using ipfix_test::Bytes;
  using ipfix_test::MessageBuilder;
  ipfix_test::CollectorUnderTest collector;
  collector.datagram(MessageBuilder(0).templates(ipfix_test::template_record(256, {{0, 4, 1}})));
  collector.datagram(MessageBuilder(0).set(256, Bytes().u8(6)).set_of_length(256, 0, Bytes()));
  collector.datagram(MessageBuilder(1));
  EXPECT_EQ(collector.process.stats().records_missing, 1U);
}

}  // namespace
