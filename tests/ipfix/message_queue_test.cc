#include "ipfix/message_queue.h"

#include <gtest/gtest.h>

#include "tests/ipfix/parsed_message.h"

namespace ipfix {
namespace {

using ipfix_test::Bytes;
using ipfix_test::parse_message;
using Taken = MessageQueue::Taken;

TEST(MessageQueue, BatchesRecordsUntilAMessageIsFull) {
  MessageQueue queue(1, 100, {10'000});
  for (int i = 0; i < 4; ++i) ASSERT_EQ(queue.add(256, Bytes(20), i), Taken::yes);
  EXPECT_FALSE(queue.has_finished());  // exactly full, and perhaps the last
  ASSERT_EQ(queue.add(256, Bytes(20), 4), Taken::yes);
  ASSERT_TRUE(queue.has_finished());
  EXPECT_EQ(queue.front().octets.size(), 100u);
  EXPECT_EQ(queue.front().data_records, 4u);
  EXPECT_EQ(queue.octets(), 100u + 16u + 4u + 20u);
}

TEST(MessageQueue, RemembersWhenTheOpenMessageGotItsFirstRecord) {
  MessageQueue queue(1, 100, {10'000});
  EXPECT_EQ(queue.open_since_ms(), std::nullopt);
  ASSERT_EQ(queue.add(256, Bytes(50), 10), Taken::yes);
  ASSERT_EQ(queue.add(256, Bytes(10), 20), Taken::yes);
  EXPECT_EQ(queue.open_since_ms(), 10);
  ASSERT_EQ(queue.add(256, Bytes(50), 30), Taken::yes);
  EXPECT_EQ(queue.open_since_ms(), 30);
  queue.finish_open();
  EXPECT_EQ(queue.open_since_ms(), std::nullopt);
}

TEST(MessageQueue, RefusesBeyondItsLimitAndRecovers) {
  MessageQueue queue(1, 100, {250});
  int taken = 0;
  while (queue.has_room(20)) {
    ASSERT_EQ(queue.add(256, Bytes(20), 0), Taken::yes);
    ++taken;
  }
  while (queue.add(256, Bytes(20), 0) == Taken::yes) ++taken;  // has_room() allows for a set and message of its own
  EXPECT_LE(queue.octets(), 250u);
  EXPECT_GT(queue.octets() + 40, 250u);
  EXPECT_EQ(taken, 4 + 4 + 1);
  queue.pop_front();
  EXPECT_TRUE(queue.has_room(20));
  EXPECT_EQ(queue.add(256, Bytes(20), 0), Taken::yes);
}

TEST(MessageQueue, HasRoomKeepsItsPromiseForAnyTemplate) {
  for (std::size_t limit = 100; limit < 400; ++limit) {
    SCOPED_TRACE(limit);
    MessageQueue queue(1, 100, {limit});
    for (std::uint16_t i = 0; i < 100; ++i) {
      const std::size_t octets = 1 + i * 7u % 60;
      const bool promised = queue.has_room(octets);
      const Taken taken = queue.add(static_cast<std::uint16_t>(256 + i % 3), Bytes(octets), 0);
      ASSERT_TRUE(!promised || taken == Taken::yes);
      ASSERT_LE(queue.octets(), limit);
    }
  }
}

TEST(MessageQueue, TakesASingleRecordWhateverTheLimit) {
  MessageQueue queue(1, 1000, {10});
  EXPECT_EQ(queue.add(256, Bytes(900), 0), Taken::yes);
  EXPECT_EQ(queue.add(256, Bytes(1), 0), Taken::full);
  queue.finish_open();
  queue.pop_front();
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.octets(), 0u);
  EXPECT_EQ(queue.add(256, Bytes(900), 0), Taken::yes);
}

TEST(MessageQueue, StepsOverARecordLongerThanAnyMessage) {
  MessageQueue queue(1, 100, {10'000});
  EXPECT_EQ(queue.add(256, Bytes(81), 0), Taken::too_long);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.add(256, Bytes(80), 0), Taken::yes);
  queue.finish_open();
  EXPECT_EQ(queue.front().records_missing, 1u);
  EXPECT_EQ(queue.front().data_records, 1u);
  EXPECT_EQ(queue.front().octets.size(), 100u);
}

TEST(MessageQueue, ReusesTheBuffersOfSentMessages) {
  MessageQueue queue(1, 1400, {100'000});
  queue.add(256, Bytes(1000, 0xaa), 0);
  queue.finish_open();
  const std::uint8_t* const first = queue.front().octets.data();
  queue.pop_front();
  queue.finish_open();  // nothing open: no empty message
  EXPECT_FALSE(queue.has_finished());
  bool reused = false;
  for (int i = 0; i < 3; ++i) {
    queue.add(256, Bytes(1000, 0xbb), 0);
    queue.finish_open();
    reused = reused || queue.front().octets.data() == first;
    EXPECT_EQ(parse_message(queue.front().octets).sets.at(0).body, Bytes(1000, 0xbb));
    queue.pop_front();
  }
  EXPECT_TRUE(reused);
}

// A collector that resets every session before it has read: each message is repeated so often, and then it is over.
TEST(MessageQueue, RepeatsAnAcknowledgedMessageOnlySoOften) {
  MessageQueue queue(1, 100, {10'000, 10'000});
  ASSERT_EQ(queue.add(256, Bytes(80), 0), Taken::yes);
  queue.finish_open();
  int sent = 0;
  for (std::uint64_t stream_end = 100; queue.has_finished(); ++sent) {
    queue.front_left(stream_end);
    queue.acknowledge(stream_end);
    EXPECT_EQ(queue.repeat_sent(true), sent < MessageQueue::max_repeats ? 1u : 0u);
  }
  EXPECT_EQ(sent, 1 + MessageQueue::max_repeats);
  EXPECT_TRUE(queue.empty());
}

// What was never acknowledged is repeated until it is.
TEST(MessageQueue, RepeatsAMessageUntilItIsAcknowledged) {
  MessageQueue queue(1, 100, {10'000, 0});
  ASSERT_EQ(queue.add(256, Bytes(80), 0), Taken::yes);
  queue.finish_open();
  for (int session = 0; session < 10; ++session) {
    ASSERT_TRUE(queue.has_finished());
    queue.front_left(100);
    EXPECT_TRUE(queue.has_unacknowledged());
    EXPECT_EQ(queue.repeat_sent(session % 2 == 0), 1u);
  }
  queue.front_left(100);
  queue.acknowledge(99);
  EXPECT_FALSE(queue.empty());
  queue.acknowledge(100);
  EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace ipfix
