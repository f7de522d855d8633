// Our messages against the worked examples of RFC 7011 and RFC 5103, octet by octet.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "ipfix/element.h"
#include "ipfix/message_writer.h"
#include "ipfix/record_writer.h"
#include "tests/ipfix/parsed_message.h"

namespace ipfix {
namespace {

using ipfix_test::Bytes;
using ipfix_test::from_hex;
using ipfix_test::parse_message;
using ipfix_test::ParsedMessage;

constexpr std::uint32_t example_enterprise = 0xdcba;

std::string examples_folder() {
  const char* const shared = std::getenv("OFE_SHARED");
  return std::string(shared != nullptr ? shared : OFE_SHARED_DEFAULT) + "/data/corpus/rfc";
}

class RfcExamples : public testing::Test {
 protected:
  void SetUp() override {
    if (std::ifstream(examples_folder() + "/rfc7011_A_full_152.bin")) return;
    const char* const ci = std::getenv("CI");
    ASSERT_FALSE(ci != nullptr && std::string(ci) == "true") << examples_folder() << " is missing";
    GTEST_SKIP() << "third-party examples are not there: " << examples_folder();
  }
  static Bytes read(const std::string& name) {
    std::ifstream in(examples_folder() + "/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static Bytes finished(MessageWriter& writer, std::uint32_t export_time) {
    Message message = writer.take();
    stamp(message, export_time, 0);
    return message.octets;
  }
};

// The appendix pads its Options Template Set; ours is the same without the two zeros.
TEST_F(RfcExamples, WritesRfc7011AppendixA) {
  MessageWriter writer(1, 1400);
  writer.add_template({256, 0, {{0, 8, 4}, {0, 12, 4}, {0, 15, 4}, {0, 2, 4}, {0, 1, 4}}});
  writer.add_record(256, from_hex("c000020c c00002fe c0000201 00001391 00518c81"));
  writer.add_record(256, from_hex("c000021b c0000217 c0000202 000002ec 0005ef46"));
  writer.add_record(256, from_hex("c0000238 c0000241 c0000203 00000005 00001986"));
  writer.add_template({258, 1, {{0, 141, 4}, {0, 41, 2}, {0, 42, 2}}});
  writer.add_record(258, from_hex("00000001 0159 27d9"));
  writer.add_record(258, from_hex("00000002 02b2 4fb2"));
  const auto ours = parse_message(finished(writer, 0x45678901));
  const auto theirs = parse_message(read("rfc7011_A_full_152.bin"));
  EXPECT_EQ(ours.export_time, theirs.export_time);
  EXPECT_EQ(ours.sequence, theirs.sequence);
  EXPECT_EQ(ours.domain, theirs.domain);
  EXPECT_EQ(ours.length, theirs.length - 2);
  ASSERT_EQ(ours.sets.size(), theirs.sets.size());
  for (std::size_t i = 0; i < ours.sets.size(); ++i) {
    SCOPED_TRACE(i);
    EXPECT_EQ(ours.sets[i].id, theirs.sets[i].id);
    Bytes body = ours.sets[i].body;
    if (ours.sets[i].id == options_template_set_id) body.insert(body.end(), 2, 0);
    EXPECT_EQ(body, theirs.sets[i].body);
  }
}

TEST_F(RfcExamples, WritesRfc7011AppendixA22) {
  MessageWriter writer(1, 1400);
  writer.add_template({257, 0, {{0, 8, 4}, {0, 12, 4}, {example_enterprise, 15, 4}, {0, 2, 4}, {0, 1, 4}}});
  EXPECT_EQ(finished(writer, 0x45678901), read("rfc7011_A22_enterprise_tpl.bin"));
}

// Of these the appendix (and the corpus) pads the Options Template Set with two zeros; ours is the same without them.
void expect_same_but_padding(const ParsedMessage& ours, const ParsedMessage& theirs) {
  EXPECT_EQ(ours.export_time, theirs.export_time);
  EXPECT_EQ(ours.domain, theirs.domain);
  ASSERT_EQ(ours.sets.size(), theirs.sets.size());
  for (std::size_t i = 0; i < ours.sets.size(); ++i) {
    Bytes body = theirs.sets[i].body;
    if (theirs.sets[i].id == options_template_set_id) body.erase(body.end() - 2, body.end());
    EXPECT_EQ(ours.sets[i].id, theirs.sets[i].id);
    EXPECT_EQ(ours.sets[i].body, body);
  }
}

TEST_F(RfcExamples, WritesRfc7011AppendixA42) {
  MessageWriter writer(1, 1400);
  writer.add_template({259, 1, {{0, 141, 4}, {0, 41, 2}, {example_enterprise, 42, 4}}});
  expect_same_but_padding(parse_message(finished(writer, 0x45678901)),
                          parse_message(read("rfc7011_A42_enterprise_opt.bin")));
}

TEST_F(RfcExamples, WritesRfc7011AppendixA43And44) {
  MessageWriter writer(1, 1400);
  writer.add_template({260, 1, {{example_enterprise, 123, 4}, {0, 41, 2}, {0, 42, 2}}});
  writer.add_record(260, from_hex("00000001 0159 27d9"));
  writer.add_record(260, from_hex("00000002 02b2 4fb2"));
  expect_same_but_padding(parse_message(finished(writer, 0x45678901)),
                          parse_message(read("rfc7011_A43_44_enterprise_scope.bin")));
}

TEST_F(RfcExamples, WritesRfc5103BiflowDirectionOption) {
  MessageWriter writer(0x21, 1400);
  writer.add_template({257, 1, {{0, 149, 4}, {0, 239, 1}}});
  writer.add_record(257, from_hex("00000021 03"));
  EXPECT_EQ(finished(writer, 0x43e0e912), read("rfc5103_A_biflowDirection_option.bin"));
}

TEST_F(RfcExamples, WritesRfc7011AppendixA5) {
  MessageWriter writer(1, 1400);
  writer.add_template({261, 0, {{0, 82, variable_length}}});
  Bytes buffer(2000);
  for (const std::string& name : {std::string("eth01"), std::string(1000, 'x')}) {
    RecordWriter record(buffer);
    record.string(name);
    writer.add_record(261, record.written());
  }
  EXPECT_EQ(finished(writer, 0x45678901), read("rfc7011_A5_varlen.bin"));
}

TEST_F(RfcExamples, WritesRfc5103AppendixA) {
  MessageWriter writer(0x21, 1400);
  writer.add_template({256,
                       0,
                       {{0, 150, 4},
                        {reverse_enterprise, 150, 4},
                        {0, 8, 4},
                        {0, 12, 4},
                        {0, 7, 2},
                        {0, 11, 2},
                        {0, 4, 1},
                        {0, 85, 4},
                        {reverse_enterprise, 85, 4},
                        {0, 86, 4},
                        {reverse_enterprise, 86, 4}}});
  Bytes buffer(100);
  RecordWriter record(buffer);
  record.u32(0x43e0e910);
  record.u32(0x43e0e911);
  record.octets(from_hex("c0000202"));
  record.octets(from_hex("c0000203"));
  record.u16(32770);
  record.u16(80);
  record.u8(6);
  record.u32(18000);
  record.u32(128000);
  record.u32(65);
  record.u32(110);
  writer.add_record(256, record.written());
  EXPECT_EQ(finished(writer, 0x43e0e912), read("rfc5103_A_biflow.bin"));
}

}  // namespace
}  // namespace ipfix
