// Golden octets: the check values of CRC-32 are published ("123456789" → cbf43926), the others are worked out by hand.
#include "ovs-plugin/state_file/block_format.h"

#include <gtest/gtest.h>

#include <vector>

namespace ofe::state_file {
namespace {

using namespace std::string_literals;

Octets octets(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

TEST(BlockFormat, AFileBeginsWithTheMarkAndTheVersion) {
  std::string file;
  append_preamble(file);
  EXPECT_EQ(file, "OFEstate\0\0\0\1"s);
}

TEST(BlockFormat, ABlockIsLengthChecksumMessage) {
  std::string block;
  std::uint32_t checksum = 0;
  append_block("123456789", checksum, block);
  EXPECT_EQ(block, "\0\0\0\x09\xcb\xf4\x39\x26"s + "123456789");
}

TEST(BlockFormat, TheChecksumRunsOnThroughTheFile) {
  std::string blocks;
  std::uint32_t checksum = 0;
  append_block("abc", checksum, blocks);
  EXPECT_EQ(checksum, 0x352441c2u);
  append_block("123456789", checksum, blocks);
  EXPECT_EQ(checksum, 0xd7b75b0au) << "that of abc123456789";
}

std::string file_of(const std::vector<std::string>& messages) {
  std::string file;
  std::uint32_t checksum = 0;
  append_preamble(file);
  for (const std::string& message : messages) append_block(message, checksum, file);
  return file;
}

struct ReadBack {
  std::vector<std::string> messages;
  std::string problem;
};
ReadBack read_back(const std::string& file) {
  ReadBack result;
  BlockReader reader(octets(file));
  Octets message;
  while (reader.next(message)) result.messages.emplace_back(message.begin(), message.end());
  result.problem = reader.problem();
  return result;
}

TEST(BlockFormat, BlocksAreReadBack) {
  const std::vector<std::string> messages = {"abc", "", std::string(100'000, 'x')};
  EXPECT_EQ(read_back(file_of(messages)).messages, messages);
  EXPECT_EQ(read_back(file_of(messages)).problem, "");
}

TEST(BlockFormat, ABlockThatIsMissingOrInAnothersPlaceIsDamage) {
  const std::string whole = file_of({"abc", "def"});
  const std::string preamble = whole.substr(0, 12), first = whole.substr(12, 11), second = whole.substr(23);
  EXPECT_NE(read_back(preamble + second).problem, "");
  EXPECT_NE(read_back(preamble + second + first).problem, "");
  EXPECT_NE(read_back(preamble + first + first).problem, "");
}

TEST(BlockFormat, WhatIsWrongIsNamedWithItsPlace) {
  const std::string whole = file_of({"abc", "def"});
  EXPECT_EQ(read_back("").problem, "is empty");
  EXPECT_EQ(read_back("OFEstat").problem, "is no state file of an exporter");
  EXPECT_EQ(read_back("root:x:0:0:root:/root:/bin/bash").problem, "is no state file of an exporter");
  EXPECT_EQ(read_back("OFEstate\0\0"s).problem, "is cut at octet 10");
  EXPECT_EQ(read_back("OFEstate\0\0\0\2"s).problem, "is of version 2, and this program reads version 1");
  EXPECT_EQ(read_back(whole.substr(0, 15)).problem, "is cut at octet 15");
  EXPECT_EQ(read_back(whole.substr(0, 30)).problem, "is cut at octet 30");
  EXPECT_EQ(read_back(whole + "x").problem, "is cut at octet 35");
  std::string damaged = whole;
  damaged[33] = 'X';
  EXPECT_EQ(read_back(damaged).problem, "is damaged at octet 23: wrong checksum");
  EXPECT_EQ(read_back(damaged).messages.size(), 1u);
  EXPECT_EQ(read_back(file_of({}) + "\x7f\0\0\0\0\0\0\0"s).problem,
            "is damaged at octet 12: a block of 2130706432 octets");
}

}  // namespace
}  // namespace ofe::state_file
