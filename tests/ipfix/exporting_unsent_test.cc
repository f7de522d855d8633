// What a process that ends has accepted and not sent.
#include <gtest/gtest.h>

#include "tests/ipfix/loopback_collector.h"

namespace ipfix {
namespace {

using namespace ipfix_test;

std::optional<SocketAddress> nowhere(std::string& error) {
  error = "no address";
  return std::nullopt;
}

std::vector<std::pair<std::uint16_t, Bytes>> unsent(ExportingProcess& process) {
  std::vector<std::pair<std::uint16_t, Bytes>> records;
  process.for_each_unsent([&](std::uint16_t id, std::span<const std::uint8_t> record) {
    records.push_back({id, {record.begin(), record.end()}});
  });
  return records;
}

std::uint64_t number_of(const Bytes& record) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 8; ++i) number = number << 8 | record[i];
  return number;
}

TEST(ExportingUnsent, RecordsOfSeveralTemplatesAndLengthsComeAsTheyWereAccepted) {
  ExportingProcess process({.max_message_octets_tcp = 1'000}, nowhere, at_ms(0));
  ASSERT_TRUE(process.add_template({300, 0, {{0, 1, 8}, {55829, 101, 65535}, {0, 4, 1}}}));
  ASSERT_TRUE(process.add_template({301, 0, {{0, 2, 4}}}));
  std::vector<std::pair<std::uint16_t, Bytes>> accepted;
  for (std::size_t i = 0; i < 40; ++i) {
    Bytes record(8, static_cast<std::uint8_t>(i));
    const std::size_t text = i * 17 % 300;
    if (text < 255) {
      record.push_back(static_cast<std::uint8_t>(text));
    } else {
      record.insert(record.end(), {255, static_cast<std::uint8_t>(text >> 8), static_cast<std::uint8_t>(text)});
    }
    record.insert(record.end(), text, 'x');
    record.push_back(6);
    accepted.push_back({300, record});
    if (i % 3 == 0) accepted.push_back({301, Bytes(4, static_cast<std::uint8_t>(i))});
  }
  for (const auto& [id, record] : accepted) ASSERT_TRUE(process.export_record(id, record, at_ms(0)));
  EXPECT_EQ(unsent(process), accepted);
  EXPECT_EQ(unsent(process), accepted) << "it only looks";
}

TEST(ExportingUnsent, WhatLeftIsNot) {
  TcpCollector collector;
  ExportingProcess process({}, always(collector.address()), at_ms(0));
  ASSERT_TRUE(process.add_template(numbered(8)));
  ASSERT_TRUE(process.export_record(numbered_template, numbered_record(1, 8), at_ms(0)));
  process.flush(at_ms(0));
  ASSERT_TRUE(run_until(process, at_ms(0), [&] { return process.drained(); }));
  EXPECT_TRUE(unsent(process).empty());
  ASSERT_TRUE(process.export_record(numbered_template, numbered_record(2, 8), at_ms(0)));
  ASSERT_EQ(unsent(process).size(), 1u);
  EXPECT_EQ(number_of(unsent(process)[0].second), 2u);
}

TEST(ExportingUnsent, WhatTheCollectorsHostHasNotAcknowledgedIs) {
  constexpr std::size_t octets = 1'000;
  TcpCollector collector(4'096);
  ExportingProcess process({.max_message_octets_tcp = 60'000}, always(collector.address()), at_ms(0));
  ASSERT_TRUE(process.add_template(numbered(octets)));
  ASSERT_TRUE(run_until(process, at_ms(0), [&] { return process.stats().state == SessionState::connected; }));
  TcpSession session = collector.accept();
  std::uint64_t accepted = 0;
  while (process.export_record(numbered_template, numbered_record(accepted, octets), at_ms(0))) ++accepted;
  // The collector reads nothing: the kernel's buffers fill, in the middle of a message.
  ASSERT_TRUE(run_until(process, at_ms(0), [&] { return (process.events() & POLLOUT) != 0; }));
  const auto left = unsent(process);
  ASSERT_FALSE(left.empty());
  for (std::size_t i = 0; i < left.size(); ++i) {
    EXPECT_EQ(number_of(left[i].second), accepted - left.size() + i);
    EXPECT_EQ(left[i].second.size(), octets);
  }
  EXPECT_GT(process.stats().records_sent + left.size(), accepted) << "handed to the kernel, not acknowledged";
}

}  // namespace
}  // namespace ipfix
