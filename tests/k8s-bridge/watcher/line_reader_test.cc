#include "k8s-bridge/watcher/line_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ofe::watcher {
namespace {

using ::testing::ElementsAre;

TEST(LineReader, SameLinesHoweverTheyAreCut) {
  const std::string stream = "one\n\ntwo and more\nthree\nrest";
  for (std::size_t size = 1; size <= stream.size(); ++size) {
    LineReader reader(100);
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < stream.size(); at += size) {
      EXPECT_TRUE(reader.feed(std::string_view(stream).substr(at, size), [&](std::string_view line) {
        lines.emplace_back(line);
        return true;
      }));
    }
    EXPECT_THAT(lines, ElementsAre("one", "two and more", "three")) << "in pieces of " << size;
    EXPECT_EQ(reader.waiting_octets(), 4u);
  }
}

TEST(LineReader, ALineAtTheLimitPassesAndOneBeyondDoesNot) {
  const auto accept = [](std::string_view) { return true; };
  LineReader reader(4);
  EXPECT_TRUE(reader.feed("12", accept));
  EXPECT_TRUE(reader.feed("34\n1234\n", accept));
  EXPECT_FALSE(reader.too_long());
  EXPECT_TRUE(reader.feed("123", accept));
  EXPECT_FALSE(reader.feed("45", accept));
  EXPECT_TRUE(reader.too_long());
  reader.reset();
  EXPECT_TRUE(reader.feed("1234", accept));
  EXPECT_FALSE(reader.too_long());
}

TEST(LineReader, ALineMayEndTheReading) {
  LineReader reader(100);
  int lines = 0;
  EXPECT_FALSE(reader.feed("a\nb\nc\n", [&](std::string_view line) { return ++lines < 2 && !line.empty(); }));
  EXPECT_EQ(lines, 2);
}

}  // namespace
}  // namespace ofe::watcher
