#include "ovs-plugin/conntrack/dpctl_text.h"

#include <gtest/gtest.h>

namespace ofe {
namespace {

TEST(DpctlText, ReadsNamesNumbersAndNesting) {
  DpctlText in("tcp(src=47558,dst=0x1f/(a(b)c)),x");
  EXPECT_EQ(in.until("("), "tcp");
  in.expect('(', "'('");
  EXPECT_EQ(in.until("="), "src");
  EXPECT_TRUE(in.accept('='));
  EXPECT_EQ(in.number<std::uint16_t>(), 47558);
  EXPECT_FALSE(in.accept(')'));
  EXPECT_TRUE(in.accept(','));
  in.until("=");
  in.accept('=');
  EXPECT_EQ(in.number<std::uint32_t>(), 0x1fu);
  in.accept('/');
  EXPECT_EQ(in.nested(), "a(b)c");
  in.expect(')', "')'");
  EXPECT_EQ(in.peek(), ',');
  EXPECT_EQ(in.peek(1), 'x');
  EXPECT_EQ(in.peek(2), '\0');
  in.until("");
  EXPECT_TRUE(in.at_end());
  EXPECT_TRUE(in.ok());
  EXPECT_EQ(in.error(), "");
}

TEST(DpctlText, TheFirstProblemSticks) {
  DpctlText in("zone=65536,mark=1");
  in.until("=");
  in.accept('=');
  EXPECT_EQ(in.number<std::uint16_t>(), 0);
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.error(), "column 6: expected a number up to 65535, found \"65536,mark=1\"");
  in.expect('=', "something else");
  EXPECT_EQ(in.until(","), "");
  EXPECT_EQ(in.number<std::uint64_t>(), 0u);
  EXPECT_EQ(in.nested(), "");
  EXPECT_TRUE(in.at_end());
  EXPECT_EQ(in.error(), "column 6: expected a number up to 65535, found \"65536,mark=1\"");
}

TEST(DpctlText, TellsNumbersThatAreNone) {
  for (const char* text : {"", "-1", "+1", "x", "0x", "0xg", "256", "0x100", " 1"}) {
    DpctlText in(text);
    EXPECT_EQ(in.number<std::uint8_t>(), 0) << text;
    EXPECT_FALSE(in.ok()) << text;
  }
}

TEST(DpctlText, AnUnclosedParenthesisIsReportedWhereItOpens) {
  DpctlText in("ab((c)");
  in.until("(");
  EXPECT_EQ(in.nested(), "");
  EXPECT_EQ(in.error(), "column 3: expected a ')' for this '(', found \"((c)\"");
}

TEST(DpctlText, ErrorsAtTheEndAndOfOddCharacters) {
  DpctlText at_end("a");
  at_end.until("=");
  at_end.expect('=', "'='");
  EXPECT_EQ(at_end.error(), "column 2: expected '=', found the end of the line");
  DpctlText odd(std::string_view("\x01\xff", 2));
  odd.expect('=', "'='");
  EXPECT_EQ(odd.error(), "column 1: expected '=', found \"??\"");
}

}  // namespace
}  // namespace ofe
