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
