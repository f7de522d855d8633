#include "ipfix/session_preamble.h"

#include <gtest/gtest.h>

#include "tests/ipfix/parsed_message.h"

namespace ipfix {
namespace {

using ipfix_test::Bytes;
using ipfix_test::from_hex;
using ipfix_test::parse_message;

Template with_fields(std::uint16_t id, std::size_t count) {
  return {id, 0, std::vector<FieldSpecifier>(count, {0, 1, 8})};
}

TEST(SessionPreamble, KeepsTheOrderOfItsParts) {
  SessionPreamble preamble(1, 1400);
  ASSERT_TRUE(preamble.add_template({256, 1, {{0, 346, 4}, {0, 303, 2}}}));
  ASSERT_TRUE(preamble.add_record(256, from_hex("0000da15 0064")));
  ASSERT_TRUE(preamble.add_template({257, 0, {{55829, 100, 65535}}}));
  const std::vector<Message> messages = preamble.messages(0);
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].data_records, 1u);
  EXPECT_EQ(messages[0].template_records, 2u);
  const auto sets = parse_message(messages[0].octets).sets;
  ASSERT_EQ(sets.size(), 3u);
  EXPECT_EQ(sets[0].id, 3);
  EXPECT_EQ(sets[1].id, 256);
  EXPECT_EQ(sets[1].body, from_hex("0000da15 0064"));
  EXPECT_EQ(sets[2].id, 2);
}

TEST(SessionPreamble, SpreadsOverSeveralMessages) {
  SessionPreamble preamble(1, 100);
  for (std::uint16_t id = 256; id < 260; ++id) ASSERT_TRUE(preamble.add_template(with_fields(id, 7)));  // 32 octets
  const std::vector<Message> messages = preamble.messages(0);
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[0].template_records, 2u);
  EXPECT_EQ(messages[1].template_records, 2u);
  EXPECT_EQ(preamble.messages(3).size(), 1u);
  EXPECT_EQ(preamble.messages(3)[0].template_records, 1u);
  EXPECT_TRUE(preamble.messages(4).empty());
}

TEST(SessionPreamble, RefusesWhatNoCollectorCouldUse) {
  SessionPreamble preamble(1, 100);
  EXPECT_FALSE(preamble.add_template(with_fields(255, 1)));
  EXPECT_FALSE(preamble.add_template(with_fields(256, 0)));
  EXPECT_FALSE(preamble.add_template({256, 2, {{0, 149, 4}}}));
  EXPECT_FALSE(preamble.add_template(with_fields(256, 20)));  // 84 octets and two headers
  EXPECT_TRUE(preamble.add_template(with_fields(256, 19)));
  EXPECT_FALSE(preamble.add_template(with_fields(256, 1)));  // taken
  EXPECT_FALSE(preamble.add_record(257, Bytes(8)));          // unknown
  EXPECT_FALSE(preamble.add_record(256, Bytes(81)));
  EXPECT_FALSE(preamble.add_record(256, {}));
  EXPECT_EQ(preamble.parts(), 1u);
}

}  // namespace
}  // namespace ipfix
