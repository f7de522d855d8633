#include "ipfix/record_writer.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/ipfix/parsed_message.h"

namespace ipfix {
namespace {

using ipfix_test::Bytes;
using ipfix_test::from_hex;

Bytes written(const RecordWriter& writer) {
  return {writer.written().begin(), writer.written().end()};
}

TEST(RecordWriter, WritesIntegersInNetworkOrder) {
  Bytes buffer(15);
  RecordWriter writer(buffer);
  writer.u8(0x01);
  writer.u16(0x0203);
  writer.u32(0x04050607);
  writer.u64(0x08090a0b0c0d0e0f);
  EXPECT_FALSE(writer.overflow());
  EXPECT_EQ(written(writer), from_hex("01 0203 04050607 08090a0b0c0d0e0f"));
}

// RFC 7011 appendix A.5.1: "eth01" with one octet of length.
TEST(RecordWriter, WritesShortStringsWithOneOctetOfLength) {
  Bytes buffer(16);
  RecordWriter writer(buffer);
  writer.string("eth01");
  EXPECT_EQ(written(writer), from_hex("05 6574683031"));
}

TEST(RecordWriter, ChoosesTheLengthPrefixByTheLength) {
  struct Case {
    std::size_t length;
    const char* prefix;
  };
  for (const Case& c : {Case{0, "00"}, Case{1, "01"}, Case{254, "fe"}, Case{255, "ff00ff"}, Case{1000, "ff03e8"},
                        Case{65535, "ffffff"}}) {
    SCOPED_TRACE(c.length);
    Bytes expected = from_hex(c.prefix);
    expected.insert(expected.end(), c.length, 'x');
    Bytes buffer(70000);
    RecordWriter writer(buffer);
    writer.string(std::string(c.length, 'x'));
    EXPECT_FALSE(writer.overflow());
    EXPECT_EQ(written(writer), expected);
  }
}

// Unicode section 3.9: each maximal part of an ill-formed sequence; the length stays.
TEST(RecordWriter, SendsNoIllFormedUtf8) {
  const auto sent = [](const char* octets) {
    const Bytes text = from_hex(octets);
    Bytes buffer(64);
    RecordWriter writer(buffer);
    writer.string({reinterpret_cast<const char*>(text.data()), text.size()});
    EXPECT_EQ(writer.written()[0], text.size());
    return std::string(writer.written().begin() + 1, writer.written().end());
  };
  EXPECT_EQ(sent("61 c3a4 e282ac f09f90a7 7a"), "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xa7z") << "well-formed";
  EXPECT_EQ(sent("61 80 7a"), "a?z");
  EXPECT_EQ(sent("c0af"), "??") << "overlong";
  EXPECT_EQ(sent("e282"), "??") << "cut";
  EXPECT_EQ(sent("e28228"), "\?\?(");
  EXPECT_EQ(sent("eda080"), "???") << "a surrogate";
  EXPECT_EQ(sent("f4908080 ff"), "?????") << "beyond U+10FFFF";
}

TEST(RecordWriter, RefusesAStringLongerThanItsPrefixCanSay) {
  Bytes buffer(70000);
  RecordWriter writer(buffer);
  writer.string(std::string(65536, 'x'));
  EXPECT_TRUE(writer.overflow());
  EXPECT_TRUE(writer.written().empty());
}

TEST(RecordWriter, WritesNothingAfterAnOverflow) {
  Bytes buffer(3);
  RecordWriter writer(buffer);
  writer.u16(0x0102);
  writer.u16(0x0304);
  EXPECT_TRUE(writer.overflow());
  writer.u8(0x05);
  EXPECT_TRUE(writer.overflow());
  EXPECT_EQ(written(writer), from_hex("0102"));
}

TEST(RecordWriter, AWriterOfItsOwnForAPart) {
  Bytes buffer(4);
  RecordWriter writer(buffer);
  writer.u8(0x01);
  RecordWriter part(writer.rest());
  part.u16(0x0203);
  writer.go_on_behind(part);
  writer.u8(0x04);
  EXPECT_FALSE(writer.overflow());
  EXPECT_EQ(written(writer), from_hex("01020304"));
}

TEST(RecordWriter, APartThatDoesNotFitIsAnOverflowOfTheWhole) {
  Bytes buffer(4);
  RecordWriter writer(buffer);
  writer.u8(0x01);
  RecordWriter part(writer.rest());
  part.u16(0x0203);
  part.u16(0x0405);
  writer.go_on_behind(part);
  EXPECT_TRUE(writer.overflow());
  writer.u8(0x04);
  EXPECT_EQ(written(writer), from_hex("010203"));
}

TEST(RecordWriter, FillsItsBufferToTheLastOctet) {
  Bytes buffer(3);
  RecordWriter writer(buffer);
  writer.octets(from_hex("0102"));
  writer.octets({});
  writer.u8(0x03);
  EXPECT_FALSE(writer.overflow());
  EXPECT_EQ(written(writer), from_hex("010203"));
}

}  // namespace
}  // namespace ipfix
