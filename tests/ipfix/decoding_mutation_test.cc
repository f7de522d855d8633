// Valid messages with random changes: whatever arrives, every octet read is in bounds (the sanitizers see to that) and
// every line written is valid JSON.
#include <gtest/gtest.h>
#include <simdjson.h>

#include <cstdio>
#include <cstdlib>
#include <random>

#include "tests/ipfix/collector_under_test.h"

namespace {

using ipfix::variable_length;
using ipfix_test::Bytes;
using ipfix_test::CollectorUnderTest;
using ipfix_test::MessageBuilder;
using ipfix_test::template_record;

std::vector<std::vector<std::uint8_t>> valid_messages() {
  Bytes templates = template_record(256, {{0, 8, 4},
                                          {0, 27, 16},
                                          {0, 82, variable_length},
                                          {0, 1, 3},
                                          {29305, 2, 8},
                                          {0, 152, 8},
                                          {0, 154, 8},
                                          {0, 276, 1},
                                          {0, 320, 4},
                                          {0, 56, 6},
                                          {0, 8, 4}});
  templates.add(template_record(257, {{0, 4, 1}, {0, 291, variable_length}, {0, 292, variable_length}}));
  templates.add(template_record(258, {{0, 83, variable_length}, {0, 293, variable_length}}));
  const Bytes options = ipfix_test::options_template_record(
      400, 2, {{0, 346, 4}, {0, 303, 2}, {0, 339, 1}, {0, 344, 1}, {0, 341, variable_length}});
  const Bytes flow = Bytes()
                         .u32(0xc0000201)
                         .u64(0x20010db800000000)
                         .u64(1)
                         .variable("eth0")
                         .u8(0)
                         .u16(999)
                         .u64(5)
                         .u64(1795341600123)
                         .u64(0xee7c24a080000000)
                         .u8(1)
                         .u32(0x3f800000)
                         .u32(0)
                         .u16(1)
                         .u32(2);
  const Bytes basic = Bytes().u8(4).field({0, 82, variable_length}).variable("a").variable("b");
  const Bytes part = Bytes().u8(6).variable(basic).variable(Bytes().u8(3).u16(258));
  const Bytes multi = Bytes().u8(3).u16(257).u16(4 + part.size()).add(part);
  const Bytes sub = Bytes().u8(3).u16(258).variable("x").variable(multi);
  return {
      MessageBuilder(0).templates(templates).options_templates(options).build(),
      MessageBuilder(0).set(400, Bytes().u32(4711).u16(1).u8(13).u8(0).variable("vendorText")).build(),
      MessageBuilder(1).set(256, Bytes(flow).add(flow).zeros(3)).build(),
      MessageBuilder(3).set(257, Bytes().u8(6).variable(basic).variable(sub)).set(256, flow).build(),
      MessageBuilder(5)
          .templates(template_record(300, {{4711, 1, variable_length}}))
          .set(300, Bytes().variable("z"))
          .build(),
      MessageBuilder(6).templates(ipfix_test::withdrawal(300)).set(258, Bytes().variable("y").variable(multi)).build(),
  };
}

TEST(Mutation, TheUnchangedMessagesAreValid) {
  for (const bool is_stream : {false, true}) {
    CollectorUnderTest collector;
    const auto session = collector.process.open(ipfix::SessionKind::stream, "exporter").value();
    for (const auto& message : valid_messages()) {
      if (is_stream) {
        EXPECT_TRUE(collector.process.receive(session, message, 0));
      } else {
        EXPECT_EQ(collector.process.receive_datagram("exporter", message, 0), ipfix::Finding::none);
      }
    }
    EXPECT_EQ(collector.records.size(), 7U);
    EXPECT_EQ(collector.process.stats().records_missing, 0U);
  }
}

class Mutator {
 public:
  explicit Mutator(std::uint32_t seed) : random_(seed) {}

  void change(std::vector<std::uint8_t>& message) {
    for (std::size_t changes = 1 + below(4); changes > 0 && !message.empty(); --changes) {
      const std::size_t at = below(message.size());
      switch (below(6)) {
        case 0:
          message[at] = static_cast<std::uint8_t>(below(256));
          break;
        case 1:
          message[at] ^= static_cast<std::uint8_t>(1U << below(8));
          break;
        case 2: {
          constexpr std::uint8_t edges[] = {0, 1, 2, 3, 4, 127, 128, 254, 255};
          message[at] = edges[below(sizeof edges)];
          break;
        }
        case 3:
          message.erase(message.begin() + static_cast<std::ptrdiff_t>(at));
          break;
        case 4:
          message.insert(message.begin() + static_cast<std::ptrdiff_t>(at), static_cast<std::uint8_t>(below(256)));
          break;
        default:
          message.resize(at);
      }
    }
    // Mostly with the right length, so that what is behind the header is reached.
    if (message.size() >= 4 && below(8) != 0) {
      message[2] = static_cast<std::uint8_t>(message.size() >> 8);
      message[3] = static_cast<std::uint8_t>(message.size());
    }
  }
  std::size_t below(std::size_t bound) { return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_); }

 private:
  std::mt19937 random_;
};

TEST(Mutation, ChangedMessagesNeverHarm) {
  const char* given = std::getenv("OFE_TEST_SEED");
  const auto seed =
      given != nullptr ? static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
  SCOPED_TRACE("OFE_TEST_SEED=" + std::to_string(seed));
  std::printf("OFE_TEST_SEED=%u\n", seed);
  Mutator mutator(seed);
  const auto originals = valid_messages();
  simdjson::dom::parser parser;
  std::size_t sound = 0;
  std::size_t malformed = 0;
  for (int round = 0; round < 10000; ++round) {
    CollectorUnderTest collector;
    collector.options.meta = round % 2 == 0;
    const auto kind = round % 3 == 0 ? ipfix::SessionKind::stream : ipfix::SessionKind::file;
    const bool is_stream = round % 3 != 2;
    const auto session = collector.process.open(kind, "exporter").value();
    for (auto message : originals) {
      if (mutator.below(2) == 0) mutator.change(message);
      if (is_stream) {
        collector.process.receive(session, message, 0);
      } else {
        collector.process.receive_datagram("exporter", message, 0);
      }
    }
    collector.process.close_all();
    for (const std::string& line : collector.records) {
      ASSERT_EQ(parser.parse(line).error(), simdjson::SUCCESS) << line;
      ASSERT_EQ(line.find('\n'), std::string::npos) << line;
    }
    sound += collector.process.stats().messages;
    malformed += collector.process.stats().malformed_messages;
  }
  EXPECT_GT(sound, 1000U);
  EXPECT_GT(malformed, 1000U);
}

}  // namespace
