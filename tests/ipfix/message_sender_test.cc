#include "ipfix/message_sender.h"

#include <gtest/gtest.h>

#include <limits>

#include "ipfix/udp_socket.h"
#include "tests/ipfix/loopback_collector.h"

namespace ipfix {
namespace {

using namespace ipfix_test;

struct UdpSender {
  explicit UdpSender(std::size_t max_octets) : preamble(1, max_octets), queue(1, max_octets, {1 << 20}) {
    options.transport = Transport::udp;
    socket.open(collector.address());
    sender.begin_session(at_ms(0));
  }
  // The errno of a broken session.
  std::optional<int> send(std::size_t record_octets, std::int64_t now_ms) {
    queue.add(numbered_template, Bytes(record_octets), now_ms);
    queue.finish_open();
    const std::optional<IoResult> failure = sender.run(socket, at_ms(now_ms));
    return failure ? std::optional(failure->error) : std::nullopt;
  }

  UdpCollector collector;
  ExportingOptions options;
  ExportingStats stats;
  SessionPreamble preamble;
  MessageQueue queue;
  MessageSender sender{options, preamble, queue, stats};
  UdpSocket socket;
};

TEST(MessageSender, CountsADatagramThatIsTooLongAndGoesOn) {
  UdpSender udp(65535);  // more than IPv4 can carry
  EXPECT_EQ(udp.send(65515, 0), std::nullopt);
  EXPECT_EQ(udp.stats.records_lost, 1u);
  EXPECT_EQ(udp.stats.records_sent, 0u);
  EXPECT_GT(udp.stats.send_errors, 0u);
  EXPECT_NE(udp.stats.last_error.find("Message too long"), std::string::npos);
  EXPECT_EQ(udp.send(8, 1), std::nullopt);
  udp.collector.read();
  ASSERT_EQ(udp.collector.messages().size(), 1u);
  EXPECT_EQ(udp.collector.messages()[0].sequence, 1u) << "the lost record counts";
}

TEST(MessageSender, WrapsTheSequenceNumber) {
  UdpSender udp(1400);
  udp.stats.sequence = std::numeric_limits<std::uint32_t>::max() - 1;
  for (int i = 0; i < 4; ++i) EXPECT_EQ(udp.send(8, i), std::nullopt);
  udp.collector.read();
  std::vector<std::uint32_t> sequences;
  for (const ParsedMessage& message : udp.collector.messages()) sequences.push_back(message.sequence);
  EXPECT_EQ(sequences, (std::vector<std::uint32_t>{0xfffffffe, 0xffffffff, 0, 1}));
}

TEST(MessageSender, ReportsABrokenSession) {
  UdpSender udp(1400);
  udp.socket.close();
  EXPECT_EQ(udp.send(8, 0), EBADF);
  udp.sender.end_session(true);
  EXPECT_EQ(udp.stats.records_lost, 0u);
  EXPECT_TRUE(udp.queue.has_finished()) << "kept for the next session";
}

}  // namespace
}  // namespace ipfix
