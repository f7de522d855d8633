#include "ovs-plugin/exporter/unixctl_answer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

namespace ofe {
namespace {

using State = UnixctlAnswer::State;

struct Read {
  State state = State::reading;
  std::string text, problem;
};

// In pieces of at most `piece` octets.
Read read(std::string_view octets, std::size_t piece = SIZE_MAX) {
  UnixctlAnswer answer;
  answer.begin(7);
  Read result;
  for (std::size_t at = 0; at < octets.size(); at += std::min(piece, octets.size() - at)) {
    result.state = answer.feed(octets.substr(at, piece), result.text);
  }
  result.problem = answer.problem();
  EXPECT_EQ(result.state == State::malformed, !result.problem.empty());
  return result;
}

TEST(UnixctlAnswer, AReply) {
  const Read result = read(R"({"id":7,"result":"udp,orig=(…)\ntcp \"x\" \\ \/ \b\f\r\t\n","error":null})");
  EXPECT_EQ(result.state, State::reply) << result.problem;
  EXPECT_EQ(result.text, "udp,orig=(…)\ntcp \"x\" \\ / \b\f\r\t\n");
}

TEST(UnixctlAnswer, ARefusal) {
  const Read result = read(R"({"error":"not today\n","id":7,"result":null})");
  EXPECT_EQ(result.state, State::refused) << result.problem;
  EXPECT_EQ(result.text, "not today\n");
}

TEST(UnixctlAnswer, MembersInAnyOrderBlanksAndNothingElse) {
  EXPECT_EQ(read("{\"result\":\"x\",\"error\":null,\"id\":7}").state, State::reply);
  EXPECT_EQ(read(" {\n\"error\" : null , \"result\" : \"x\",\t\"id\" : 7 }\n ").state, State::reply);
  EXPECT_EQ(read("{\"id\":7,\"result\":\"\"}").state, State::reply);
}

TEST(UnixctlAnswer, CodePointsOfEveryLength) {
  EXPECT_EQ(read(R"({"id":7,"result":"\u0041\u00fc\u20AC\ud83d\ude00|"})").text, "Aü€😀|");
  for (const char* wrong : {R"(\ud83d|)", R"(\ud83dA)", R"(\ud83d\n)", R"(\ud83d\u0041)", R"(\ude00)", R"(\u12g4)",
                            R"(\ud83d)", R"(\x)", "\x01", "\n"}) {
    EXPECT_EQ(read(std::string(R"({"id":7,"result":")") + wrong + "\"}").state, State::malformed) << wrong;
  }
}

TEST(UnixctlAnswer, WhatIsNoAnswer) {
  for (const char* wrong : {"HTTP/1.1 400 Bad Request\r\n",
                            "[]",
                            "{}",
                            "{,",
                            "{\"id\":7}",
                            "{\"id\":7,}",
                            "{\"id\":7,\"result\":null}",
                            "{\"id\":8,\"result\":\"x\"}",
                            "{\"id\":\"7\",\"result\":\"x\"}",
                            "{\"id\":null,\"result\":\"x\"}",
                            "{\"result\":\"x\",\"error\":null}",
                            "{\"id\":7,\"result\":[1]}",
                            "{\"id\":7,\"result\":1}",
                            "{\"id\":7,\"result\":{\"a\":1}}",
                            "{\"id\":7,\"result\":\"a\",\"error\":\"b\"}",
                            "{\"method\":\"update\",\"params\":[],\"id\":null}",
                            "{\"id\":7,\"a_very_long_name_of_a_member\":1}",
                            "{\"id\":7,\"result\":\"x\"}{",
                            "{\"id\":7,\"result\":\"x\"}x",
                            "{\"id\":7 \"result\":\"x\"}",
                            "{\"id\":7,\"result\" \"x\"}",
                            "{\"id\":77777777777777777777777777777777777777777,\"result\":\"x\"}",
                            "{\"id\":7,\"re\\u0073ult\":\"x\"}"}) {
    EXPECT_EQ(read(wrong).state, State::malformed) << wrong;
    EXPECT_EQ(read(wrong, 1).state, State::malformed) << wrong;
  }
  EXPECT_EQ(read("{\"id\":7,\"result\":\"x\"").state, State::reading);
}

TEST(UnixctlAnswer, BeginForgetsThePreviousAnswer) {
  UnixctlAnswer answer;
  std::string text;
  answer.begin(1);
  EXPECT_EQ(answer.feed("{\"id\":1,\"error\":\"x", text), State::reading);
  EXPECT_TRUE(answer.refusing());
  answer.begin(2);
  EXPECT_FALSE(answer.refusing());
  EXPECT_EQ(answer.feed("{\"id\":2,\"result\":\"y\"}", text), State::reply);
}

// Against a JSON library, however the octets are cut.
TEST(UnixctlAnswer, AnyTextInAnyPieces) {
  const std::vector<std::string> parts = {"a", "\"", "\\",    "\n", "\t", "\x01", "\x1f", "ü",
                                          "€", "😀",  "u0041", "}",  "{",  ",",    ":",    "udp,orig=(src=10.0.0.1)"};
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::mt19937 random(seed);
    std::string text;
    for (std::size_t n = random() % 40; n > 0; --n) text += parts[random() % parts.size()];
    const bool refusal = random() % 4 == 0;
    const nlohmann::json answer = refusal ? nlohmann::json{{"id", 7}, {"error", text}, {"result", nullptr}}
                                          : nlohmann::json{{"id", 7}, {"result", text}, {"error", nullptr}};
    const std::string octets = answer.dump(-1, ' ', random() % 2 == 0);
    for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, 1 + random() % octets.size(), octets.size()}) {
      const Read result = read(octets, piece);
      ASSERT_EQ(result.state, refusal ? State::refused : State::reply) << "seed " << seed << ": " << octets;
      ASSERT_EQ(result.text, text) << "seed " << seed;
    }
  }
}

// What it accepts, a JSON library accepts with the same meaning.
TEST(UnixctlAnswer, NothingElseIsAccepted) {
  const std::string good = R"({"id":7,"result":"a\nb\u00fc\ud83d\ude00","error":null})";
  for (unsigned seed = 0; seed < 20'000; ++seed) {
    std::mt19937 random(seed);
    std::string octets = good;
    for (std::size_t n = 1 + random() % 3; n > 0; --n) {
      const std::size_t at = random() % octets.size();
      switch (random() % 3) {
        case 0:
          octets[at] = static_cast<char>(random() % 128);
          break;
        case 1:
          octets.erase(at, 1);
          break;
        default:
          octets.insert(at, 1, R"({}",:\u7nl )"[random() % 12]);
      }
    }
    const Read result = read(octets, 1 + random() % 5);
    if (result.state != State::reply && result.state != State::refused) continue;
    const nlohmann::json parsed = nlohmann::json::parse(octets, nullptr, false);
    ASSERT_TRUE(parsed.is_object()) << "seed " << seed << ": " << octets;
    ASSERT_EQ(parsed[result.state == State::reply ? "result" : "error"], result.text) << "seed " << seed;
  }
}

}  // namespace
}  // namespace ofe
