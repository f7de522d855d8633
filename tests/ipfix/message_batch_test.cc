// Several messages a system call over UDP: against a real socket, and against one whose kernel is the test's.
#include <gtest/gtest.h>

#include <cerrno>
#include <deque>

#include "ipfix/message_sender.h"
#include "ipfix/udp_socket.h"
#include "tests/ipfix/loopback_collector.h"

namespace ipfix {
namespace {

using namespace ipfix_test;

// Takes what it is told to: each call to the kernel answers with the next of `answers`, with everything when none is
// left.
class ScriptedSocket : public CollectorSocket {
 public:
  struct Answer {
    std::size_t datagrams = 0;  // taken
    int error = 0;              // when none is
  };
  IoResult open(const SocketAddress&) override { return {}; }
  IoResult finish_connect() override { return {}; }
  IoResult check_peer() override { return {}; }
  void close() override {}
  IoResult send(std::span<const std::uint8_t> octets) override {
    calls.push_back(1);
    const Answer answer = next(1);
    if (answer.datagrams == 0) return refusal(answer.error);
    taken.emplace_back(octets.begin(), octets.end());
    return {IoStatus::done, octets.size(), 0};
  }
  IoResult send_datagrams(std::span<const std::span<const std::uint8_t>> datagrams) override {
    calls.push_back(datagrams.size());
    const Answer answer = next(datagrams.size());
    if (answer.datagrams == 0) return refusal(answer.error);
    for (std::size_t i = 0; i < answer.datagrams; ++i) taken.emplace_back(datagrams[i].begin(), datagrams[i].end());
    return {IoStatus::done, answer.datagrams, 0};
  }

  std::deque<Answer> answers;
  std::vector<std::size_t> calls;  // datagrams offered
  std::vector<Bytes> taken;

 private:
  Answer next(std::size_t offered) {
    if (answers.empty()) return {offered};
    const Answer answer = answers.front();
    answers.pop_front();
    return answer;
  }
  static IoResult refusal(int error) {
    return error == EAGAIN ? IoResult{IoStatus::blocked, 0, 0} : IoResult{IoStatus::failed, 0, error};
  }
};

struct Batches {
  explicit Batches(ExportingOptions with = {}) : options(with) {
    options.transport = Transport::udp;
    sender.begin_session(at_ms(0));
  }
  void queue_messages(int count, std::size_t record_octets = 8) {
    for (int i = 0; i < count; ++i) {
      queue.add(numbered_template, Bytes(record_octets), 0);
      queue.finish_open();
    }
  }
  std::vector<std::uint32_t> sequences() {
    std::vector<std::uint32_t> all;
    for (const Bytes& message : socket.taken) {
      all.push_back(static_cast<std::uint32_t>(message[8]) << 24 | static_cast<std::uint32_t>(message[9]) << 16 |
                    static_cast<std::uint32_t>(message[10]) << 8 | message[11]);
    }
    return all;
  }
  static std::vector<std::uint32_t> counting_to(std::uint32_t end) {
    std::vector<std::uint32_t> all(end);
    for (std::uint32_t i = 0; i < end; ++i) all[i] = i;
    return all;
  }

  ExportingOptions options;
  ExportingStats stats;
  SessionPreamble preamble{1, 1400};
  MessageQueue queue{1, 65535, {.octets = 16 << 20}};
  MessageSender sender{options, preamble, queue, stats};
  ScriptedSocket socket;
};

using Calls = std::vector<std::size_t>;

TEST(MessageBatch, TakesAtMostSixtyFourAtOnce) {
  Batches batches;
  batches.queue_messages(150);
  EXPECT_EQ(batches.sender.run(batches.socket, at_ms(0)), std::nullopt);
  EXPECT_EQ(batches.socket.calls, (Calls{64, 64, 22}));
  EXPECT_EQ(batches.sequences(), Batches::counting_to(150));
  EXPECT_EQ(batches.stats.records_sent, 150u);
  EXPECT_EQ(batches.stats.messages_sent, 150u);
  EXPECT_EQ(batches.stats.octets_sent, 150u * 28);
  EXPECT_EQ(batches.stats.sequence, 150u);
  EXPECT_TRUE(batches.queue.empty());
}

TEST(MessageBatch, LeavesOthersTheirTurn) {
  Batches batches;
  batches.queue_messages(300);
  batches.sender.run(batches.socket, at_ms(0));
  EXPECT_EQ(batches.socket.taken.size(), 256u);
  EXPECT_EQ(batches.sender.next_deadline_ms(), 0);
  batches.sender.run(batches.socket, at_ms(0));
  EXPECT_EQ(batches.sequences(), Batches::counting_to(300));
}

TEST(MessageBatch, EndsWhereTheTemplatesAreDue) {
  Batches batches({.template_refresh_messages = 5});
  batches.preamble.add_template(numbered(8));
  batches.sender.begin_session(at_ms(0));
  batches.queue_messages(12);
  batches.sender.run(batches.socket, at_ms(0));
  EXPECT_EQ(batches.socket.calls, (Calls{1, 1, 1, 5, 1, 5, 1, 2})) << "three copies of the templates, then every five";
  EXPECT_EQ(batches.stats.templates_sent, 5u);
  EXPECT_EQ(batches.stats.records_sent, 12u);
}

TEST(MessageBatch, CutShortGoesOnOneByOne) {
  Batches batches;
  batches.queue_messages(10);
  batches.socket.answers = {{4}, {0, EAGAIN}};
  EXPECT_EQ(batches.sender.run(batches.socket, at_ms(0)), std::nullopt);
  EXPECT_EQ(batches.socket.calls, (Calls{10, 1}));
  EXPECT_TRUE(batches.sender.wants_to_write());
  EXPECT_EQ(batches.stats.records_sent, 4u);
  EXPECT_EQ(batches.stats.send_errors, 0u) << "a full socket is no error";
  batches.sender.run(batches.socket, at_ms(1));
  EXPECT_EQ(batches.socket.calls, (Calls{10, 1, 6})) << "the next turn tries together again";
  EXPECT_EQ(batches.sequences(), Batches::counting_to(10));
}

TEST(MessageBatch, WaitsWhenTheKernelHasNoBuffers) {
  Batches batches;
  batches.queue_messages(3);
  batches.socket.answers = {{0, ENOBUFS}, {0, ENOBUFS}};
  EXPECT_EQ(batches.sender.run(batches.socket, at_ms(0)), std::nullopt);
  EXPECT_EQ(batches.sender.next_deadline_ms(), 10);
  EXPECT_FALSE(batches.sender.wants_to_write()) << "poll(2) does not tell when there are some again";
  EXPECT_EQ(batches.stats.send_errors, 0u);
  batches.sender.run(batches.socket, at_ms(10));
  EXPECT_EQ(batches.sequences(), Batches::counting_to(3));
}

TEST(MessageBatch, CountsAnEarlierDatagramsErrorOnce) {
  Batches batches;
  batches.queue_messages(3);
  batches.socket.answers = {{0, ECONNREFUSED}};
  EXPECT_EQ(batches.sender.run(batches.socket, at_ms(0)), std::nullopt);
  EXPECT_EQ(batches.socket.calls, (Calls{3, 1, 1, 1}));
  EXPECT_EQ(batches.stats.send_errors, 1u);
  EXPECT_NE(batches.stats.last_error.find("Connection refused"), std::string::npos);
  EXPECT_EQ(batches.stats.records_sent, 3u);
  EXPECT_EQ(batches.sequences(), Batches::counting_to(3));
}

TEST(MessageBatch, EndsTheSessionOnOtherErrors) {
  Batches batches;
  batches.queue_messages(3);
  batches.socket.answers = {{1}, {0, ENETUNREACH}};
  const std::optional<IoResult> failure = batches.sender.run(batches.socket, at_ms(0));
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->error, ENETUNREACH);
  EXPECT_EQ(batches.stats.send_errors, 1u);
  EXPECT_EQ(batches.queue.finished(), 2u) << "kept for the next session";
}

TEST(MessageBatch, DropsTheOneDatagramThatIsTooLong) {
  Batches batches;
  batches.queue_messages(2);
  batches.queue_messages(1, 65515);  // more than IPv4 can carry
  batches.queue_messages(2);
  UdpCollector collector;
  UdpSocket socket;
  socket.open(collector.address());
  EXPECT_EQ(batches.sender.run(socket, at_ms(0)), std::nullopt);
  EXPECT_EQ(batches.stats.records_lost, 1u);
  EXPECT_EQ(batches.stats.records_sent, 4u);
  EXPECT_NE(batches.stats.last_error.find("Message too long"), std::string::npos);
  collector.read();
  std::vector<std::uint32_t> sequences;
  for (const ParsedMessage& message : collector.messages()) sequences.push_back(message.sequence);
  EXPECT_EQ(sequences, (std::vector<std::uint32_t>{0, 1, 3, 4})) << "the lost record counts";
}

// Padding makes messages longer that the queue has counted already.
TEST(MessageBatch, CountsTheQueuesOctetsWithTheirPadding) {
  Batches batches;
  batches.preamble.add_template(numbered(8));
  batches.sender.begin_session(at_ms(0));
  UdpCollector collector;
  UdpSocket socket{true};
  socket.open(collector.address());
  for (const int records : {5, 3, 4, 5, 5, 1}) {
    for (int i = 0; i < records; ++i) batches.queue.add(numbered_template, Bytes(8), 0);
    batches.queue.finish_open();
  }
  for (const std::size_t octets : {20, 15, 22, 21}) {
    batches.queue.add(numbered_template, Bytes(octets), 0);
    batches.queue.finish_open();
  }
  EXPECT_EQ(batches.sender.run(socket, at_ms(0)), std::nullopt);
  EXPECT_EQ(batches.stats.messages_sent, 3u + 10u);
  EXPECT_TRUE(batches.queue.empty());
  EXPECT_EQ(batches.queue.octets(), 0u);
}

TEST(MessageBatch, NoticesThatNobodyListens) {
  Batches batches;
  UdpCollector collector;
  UdpSocket socket;
  socket.open(collector.address());
  collector.close();
  batches.queue_messages(10);
  EXPECT_EQ(batches.sender.run(socket, at_ms(0)), std::nullopt);
  EXPECT_EQ(batches.sender.run(socket, at_ms(1)), std::nullopt) << "the error comes back after the datagrams left";
  EXPECT_GT(batches.stats.send_errors, 0u);
  EXPECT_NE(batches.stats.last_error.find("Connection refused"), std::string::npos);
  EXPECT_EQ(batches.stats.records_sent, 10u);
}

TEST(MessageBatch, StepsOverRecordsThatWereTooLong) {
  Batches batches;
  batches.queue_messages(2);
  batches.queue.add(numbered_template, Bytes(65536), 0);
  batches.queue_messages(2);
  batches.sender.run(batches.socket, at_ms(0));
  EXPECT_EQ(batches.socket.calls, Calls{4});
  EXPECT_EQ(batches.sequences(), (std::vector<std::uint32_t>{0, 1, 3, 4}));
}

}  // namespace
}  // namespace ipfix
