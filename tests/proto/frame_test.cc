#include "proto/frame.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace ofe::metadata {
namespace {

v1::Frame hello(const std::string& node_name) {
  v1::Frame frame;
  frame.mutable_hello()->set_protocol_version(protocol_version);
  frame.mutable_hello()->set_node_name(node_name);
  return frame;
}

std::string encoded(const v1::Frame& frame) {
  std::string out;
  EXPECT_TRUE(append_frame(frame, out));
  return out;
}

// A frame whose content is exactly this many octets: Hello{node_name} has two tags and two lengths around its text.
v1::Frame frame_of(std::size_t octets) {
  v1::Frame frame;
  frame.mutable_hello()->set_node_name(std::string(octets - 16, 'n'));
  frame.mutable_hello()->mutable_node_name()->append(octets - frame.ByteSizeLong(), 'n');
  return frame;
}

std::vector<std::string> names(FrameReader& reader) {
  std::vector<std::string> result;
  v1::Frame frame;
  while (reader.next(frame)) result.push_back(frame.hello().node_name());
  return result;
}

// Octets worked out by hand from the protobuf encoding: field 1 (Hello), length 5; in it field 1 = 1, field 2 = "a".
TEST(Frame, IsFourOctetsOfLengthThenTheMessage) {
  EXPECT_EQ(encoded(hello("a")), std::string("\0\0\0\x07\x0a\x05\x08\x01\x12\x01"
                                             "a",
                                             11));
}

TEST(Frame, AppendsBehindWhatIsThere) {
  std::string out = "x";
  ASSERT_TRUE(append_frame(hello("a"), out));
  EXPECT_EQ(out, "x" + encoded(hello("a")));
}

TEST(Frame, OfTheGreatestLengthPassesAndOneOctetMoreDoesNot) {
  ASSERT_EQ(frame_of(max_frame_octets).ByteSizeLong(), max_frame_octets);
  const std::string bytes = encoded(frame_of(max_frame_octets));
  FrameReader reader;
  reader.feed(bytes);
  v1::Frame frame;
  EXPECT_TRUE(reader.next(frame));

  std::string out = "unchanged";
  EXPECT_FALSE(append_frame(frame_of(max_frame_octets + 1), out));
  EXPECT_EQ(out, "unchanged");
}

TEST(FrameReader, TakesAFrameSplitAtEveryOctet) {
  const std::string bytes = encoded(hello("worker-1")) + encoded(hello("worker-2"));
  for (std::size_t split = 0; split <= bytes.size(); ++split) {
    FrameReader reader;
    reader.feed({bytes.data(), split});
    std::vector<std::string> got = names(reader);
    reader.feed({bytes.data() + split, bytes.size() - split});
    for (std::string& name : names(reader)) got.push_back(name);
    EXPECT_EQ(got, (std::vector<std::string>{"worker-1", "worker-2"})) << "split at " << split;
  }
}

TEST(FrameReader, TakesOctetsOneByOne) {
  const std::string bytes = encoded(hello("worker-1")) + encoded(hello("worker-2"));
  FrameReader reader;
  std::vector<std::string> got;
  for (const char& octet : bytes) {
    reader.feed({&octet, 1});
    for (std::string& name : names(reader)) got.push_back(name);
  }
  EXPECT_EQ(got, (std::vector<std::string>{"worker-1", "worker-2"}));
}

TEST(FrameReader, TakesManyFramesInOneFeed) {
  std::string bytes;
  std::vector<std::string> expected;
  for (int i = 0; i < 1000; ++i) {
    expected.push_back("node-" + std::to_string(i));
    bytes += encoded(hello(expected.back()));
  }
  FrameReader reader;
  reader.feed(bytes);
  EXPECT_EQ(names(reader), expected);
}

TEST(FrameReader, AFrameWithoutContentIsAKindThatIsNotKnown) {
  const std::string bytes(4, '\0');
  FrameReader reader;
  reader.feed(bytes);
  v1::Frame frame = hello("left over");
  ASSERT_TRUE(reader.next(frame));
  EXPECT_EQ(frame.kind_case(), v1::Frame::KIND_NOT_SET);
}

TEST(FrameReader, SkipsAKindAndFieldsOfANewerPeer) {
  const std::string bytes("\0\0\0\x05\x9a\x06\x02hi", 9);  // field 99, two octets
  FrameReader reader;
  reader.feed(bytes);
  v1::Frame frame;
  ASSERT_TRUE(reader.next(frame));
  EXPECT_EQ(frame.kind_case(), v1::Frame::KIND_NOT_SET);
  EXPECT_EQ(reader.error(), FrameError::none);
}

TEST(FrameReader, RefusesALengthOverTheLimitBeforeItsContentCame) {
  FrameReader reader;
  reader.feed(std::string("\0\x10\0\x01", 4));  // 2^20 + 1
  v1::Frame frame;
  EXPECT_FALSE(reader.next(frame));
  EXPECT_EQ(reader.error(), FrameError::too_long);
}

TEST(FrameReader, KeepsItsError) {
  FrameReader reader;
  reader.feed(std::string("\xff\xff\xff\xff", 4));
  v1::Frame frame;
  EXPECT_FALSE(reader.next(frame));
  reader.feed(encoded(hello("late")));
  EXPECT_FALSE(reader.next(frame));
  EXPECT_EQ(reader.error(), FrameError::too_long);
}

TEST(FrameReader, RefusesContentThatIsNoMessage) {
  const std::string malformed[] = {
      std::string("\0\0\0\x01\x0a", 5),                  // a length-delimited field without its length
      std::string("\0\0\0\x02\x0a\x05", 6),              // its length past the frame's end
      std::string("\0\0\0\x02\x00\x00", 6),              // field number 0
      std::string("\0\0\0\x05\x0a\x03\x12\x01\xff", 9),  // a string that is not UTF-8
  };
  for (const std::string& bytes : malformed) {
    FrameReader reader;
    reader.feed(encoded(hello("before")) + bytes);
    EXPECT_EQ(names(reader), std::vector<std::string>{"before"});
    EXPECT_EQ(reader.error(), FrameError::malformed) << testing::PrintToString(bytes);
  }
}

TEST(FrameReader, ErrorsHaveNames) {
  EXPECT_STREQ(to_string(FrameError::none), "none");
  EXPECT_STREQ(to_string(FrameError::too_long), "frame longer than the limit");
  EXPECT_STREQ(to_string(FrameError::malformed), "malformed frame");
}

// Random octets, and valid streams with some octets changed, in pieces of random size: whatever comes out, the reader
// stays inside its buffer (a sanitizer watches), and after an error nothing comes out.
TEST(FrameReader, StandsRandomInput) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  RecordProperty("seed", std::to_string(seed));
  std::mt19937 random(seed);
  const google::protobuf::LogSilencer one_line_per_bad_string;
  std::size_t taken = 0, refused = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string bytes;
    if (round % 3 == 0) {
      bytes.resize(random() % 300);
      std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<char>(random()); });
      if (bytes.size() > 2 && round % 2 == 0) bytes[0] = bytes[1] = bytes[2] = 0;  // a length that can be met
    } else {
      for (int i = 0; i < 5; ++i) bytes += encoded(hello(std::string(random() % 40, 'n')));
      for (std::uint32_t i = random() % 4; i > 0; --i) bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    FrameReader reader;
    v1::Frame frame;
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t piece = std::min<std::size_t>(1 + random() % 50, bytes.size() - at);
      reader.feed({bytes.data() + at, piece});
      at += piece;
      const bool failed_before = reader.error() != FrameError::none;
      while (reader.next(frame)) {
        ASSERT_FALSE(failed_before);
        ++taken;
      }
    }
    if (reader.error() != FrameError::none) ++refused;
  }
  EXPECT_GT(taken, 1000u);
  EXPECT_GT(refused, 500u);
}

}  // namespace
}  // namespace ofe::metadata
