// The exporting process over UDP, against real sockets on the loopback interface.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/ipfix/loopback_collector.h"

namespace ipfix {
namespace {

using namespace ipfix_test;

ExportingOptions udp(ExportingOptions options = {}) {
  options.transport = Transport::udp;
  return options;
}

void export_numbers(ExportingProcess& process, std::uint64_t first, std::uint64_t end, std::size_t octets, Now now) {
  for (std::uint64_t number = first; number < end; ++number) {
    ASSERT_TRUE(process.export_record(numbered_template, numbered_record(number, octets), now));
  }
}

// One record in a message of its own.
void send_one(ExportingProcess& process, std::uint64_t number, Now now) {
  export_numbers(process, number, number + 1, 8, now);
  process.flush(now);
  process.run(now);
}

std::size_t template_messages(const UdpCollector& collector) {
  return static_cast<std::size_t>(std::count_if(collector.messages().begin(), collector.messages().end(),
                                                [](const ParsedMessage& message) { return message.has_set(2); }));
}

TEST(ExportingUdp, SendsTheFirstTemplatesSeveralTimesAheadOfData) {
  UdpCollector collector;
  ExportingProcess process(udp(), always(collector.address()), at_ms(0));
  ASSERT_TRUE(process.add_template(numbered(8)));
  send_one(process, 0, at_ms(0));
  collector.read();
  ASSERT_EQ(collector.messages().size(), 4u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(collector.messages()[i].has_set(2));
    EXPECT_FALSE(collector.messages()[i].has_data());
    EXPECT_EQ(collector.messages()[i].sequence, 0u);
  }
  EXPECT_TRUE(collector.messages()[3].has_data());
  EXPECT_FALSE(collector.messages()[3].has_set(2));
  EXPECT_EQ(process.stats().state, SessionState::connected);
  EXPECT_EQ(process.stats().connects, 1u);
  EXPECT_TRUE(process.drained());
}

TEST(ExportingUdp, KeepsEveryDatagramWithinTheLimit) {
  UdpCollector collector;
  ExportingProcess process(udp({.max_message_octets_udp = 512}), always(collector.address()), at_ms(0));
  ASSERT_TRUE(process.add_template({numbered_template, 0, {{0, 82, 65535}}}));
  for (std::uint16_t id = 300; id < 330; ++id) ASSERT_TRUE(process.add_template({id, 0, numbered(20).fields}));
  for (std::size_t i = 0; i < 400; ++i) {
    Bytes record(1 + i * 37 % 200);
    record[0] = static_cast<std::uint8_t>(record.size() - 1);
    ASSERT_TRUE(process.export_record(numbered_template, record, at_ms(0)));
  }
  process.flush(at_ms(0));
  process.run(at_ms(0));
  EXPECT_TRUE(process.drained());
  collector.read();
  std::size_t longest = 0;
  std::size_t octets = 0;
  for (const ParsedMessage& message : collector.messages()) {
    longest = std::max(longest, message.length);
    octets += message.length;
  }
  EXPECT_LE(longest, 512u);
  EXPECT_GT(longest, 400u);
  EXPECT_EQ(octets, process.stats().octets_sent);
  EXPECT_EQ(collector.messages().size(), process.stats().messages_sent);
}

TEST(ExportingUdp, RefreshesTheTemplatesByTime) {
  UdpCollector collector;
  ExportingProcess process(udp({.template_refresh_ms = 60'000}), always(collector.address()), at_ms(0));
  ASSERT_TRUE(process.add_template(numbered(8)));
  send_one(process, 0, at_ms(0));
  collector.read();
  collector.forget();
  EXPECT_EQ(process.next_deadline_ms(), 60'000);
  process.run(at_ms(59'999));
  collector.read();
  EXPECT_TRUE(collector.messages().empty());
  process.run(at_ms(60'000));  // with no data waiting
  collector.read();
  ASSERT_EQ(collector.messages().size(), 1u);
  EXPECT_TRUE(collector.messages()[0].has_set(2));
  EXPECT_FALSE(collector.messages()[0].has_data());
  EXPECT_EQ(collector.messages()[0].sequence, 1u) << "the number of the next record";
  EXPECT_EQ(process.next_deadline_ms(), 120'000);
}

TEST(ExportingUdp, RefreshesTheTemplatesByCount) {
  UdpCollector collector;
  ExportingProcess process(udp({.template_refresh_messages = 5}), always(collector.address()), at_ms(0));
  ASSERT_TRUE(process.add_template(numbered(8)));
  process.run(at_ms(0));
  collector.read();
  collector.forget();
  std::vector<std::size_t> refreshed_before;  // data messages
  for (std::uint64_t number = 0; number < 16; ++number) {
    send_one(process, number, at_ms(static_cast<std::int64_t>(number)));
    collector.read();
    if (template_messages(collector) == 1) refreshed_before.push_back(number);
    EXPECT_EQ(collector.messages().back().sequence, number);
    EXPECT_TRUE(collector.messages().back().has_data());
    collector.forget();
  }
  EXPECT_EQ(refreshed_before, (std::vector<std::size_t>{5, 10, 15}));
}

TEST(ExportingUdp, GoesOnWhenNobodyListens) {
  UdpCollector collector;
  const std::uint16_t port = port_of(collector.address());
  ExportingProcess process(udp({.reconnect_initial_ms = 1'000}), always(collector.address()), at_ms(0));
  ASSERT_TRUE(process.add_template(numbered(8)));
  collector.close();
  process.run(at_ms(0));
  for (std::uint64_t number = 0; number < 10; ++number) send_one(process, number, at_ms(0));
  EXPECT_TRUE(process.drained());
  EXPECT_EQ(process.stats().state, SessionState::connected);
  EXPECT_EQ(process.stats().records_sent, 10u);
  EXPECT_GT(process.stats().send_errors, 0u);
  EXPECT_EQ(process.stats().last_error, "send to udp 127.0.0.1:" + std::to_string(port) + ": Connection refused");
  // The error wakes poll(2) whatever was asked for; run() takes it up, so that it does not wake it for ever.
  process.run(at_ms(0));
  pollfd wanted{process.fd(), process.events(), 0};
  EXPECT_EQ(poll(&wanted, 1, 0), 0);

  UdpCollector restarted("127.0.0.1", port);
  ASSERT_TRUE(restarted.is_open());
  process.run(at_ms(1'000));
  restarted.read();
  ASSERT_EQ(restarted.messages().size(), 1u) << "it knows no templates, and need not wait ten minutes for them";
  EXPECT_TRUE(restarted.messages()[0].has_set(2));
  EXPECT_EQ(restarted.messages()[0].sequence, 10u) << "the same session";
  send_one(process, 10, at_ms(3'000));
  EXPECT_EQ(process.stats().last_error, "");
  EXPECT_EQ(process.stats().connects, 1u);
}

TEST(ExportingUdp, MovesWithTheCollectorsAddress) {
  UdpCollector first;
  UdpCollector second;
  SocketAddress address = first.address();
  ExportingProcess process(
      udp({.template_refresh_ms = 10'000, .reconnect_max_ms = 60'000}),
      [&](std::string&) { return std::optional(address); }, at_ms(0));
  ASSERT_TRUE(process.add_template(numbered(8)));
  send_one(process, 0, at_ms(0));
  address = second.address();
  send_one(process, 1, at_ms(30'000));
  second.read();
  EXPECT_TRUE(second.messages().empty());
  process.run(at_ms(60'000));
  send_one(process, 2, at_ms(60'000));
  second.read();
  EXPECT_EQ(template_messages(second), 3u);
  EXPECT_EQ(record_numbers(second.messages(), numbered_template, 8), counting(2, 3));
  EXPECT_EQ(second.messages().back().sequence, 0u);
  EXPECT_EQ(process.stats().connects, 2u);
  EXPECT_EQ(process.stats().peer, to_string(second.address()));
}

TEST(ExportingUdp, WaitsForAnAddress) {
  UdpCollector collector;
  bool known = false;
  ExportingProcess process(
      udp(),
      [&](std::string& error) {
        error = "no such host";
        return known ? std::optional(collector.address()) : std::nullopt;
      },
      at_ms(0));
  ASSERT_TRUE(process.add_template(numbered(8)));
  send_one(process, 0, at_ms(0));
  EXPECT_EQ(process.stats().state, SessionState::resolving);
  EXPECT_EQ(process.fd(), -1);
  EXPECT_FALSE(process.drained());
  known = true;
  process.run(at_ms(1'000));
  EXPECT_TRUE(process.drained());
  collector.read();
  EXPECT_EQ(record_numbers(collector.messages(), numbered_template, 8), counting(0, 1));
}

TEST(ExportingUdp, SendsAFullQueueInSeveralTurns) {
  UdpCollector collector;
  ExportingProcess process(udp({.max_message_octets_udp = 100}), always(collector.address()), at_ms(0));
  ASSERT_TRUE(process.add_template(numbered(80)));
  export_numbers(process, 0, 1'000, 80, at_ms(0));
  process.run(at_ms(0));
  EXPECT_FALSE(process.drained());
  int turns = 1;
  for (; !process.drained() && turns < 100; ++turns) {
    EXPECT_LE(process.next_deadline_ms().value(), 200);
    collector.read();
    process.run(at_ms(200));
  }
  EXPECT_GT(turns, 2);
  collector.read();
  EXPECT_EQ(record_numbers(collector.messages(), numbered_template, 80), counting(0, 1'000));
}

TEST(ExportingUdp, ReachesACollectorOverIpv6) {
  UdpCollector collector("::1");
  ASSERT_TRUE(collector.is_open()) << "no IPv6 loopback address here";
  ExportingProcess process(udp(), always(collector.address()), at_ms(0));
  ASSERT_TRUE(process.add_template(numbered(8)));
  send_one(process, 0, at_ms(0));
  collector.read();
  EXPECT_EQ(record_numbers(collector.messages(), numbered_template, 8), counting(0, 1));
}

}  // namespace
}  // namespace ipfix
