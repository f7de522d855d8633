// The answer of an OVS control socket, decoded as it arrives: {"id":1,"result":"…","error":null} (JSON-RPC 1.0,
// lib/unixctl.c), where the text of a dump is one string of any length.
//
// OVS's own reader takes the string whole: three times its length in memory, and its last octet holds the loop (64 MiB:
// 192 MiB and 145 ms). This one passes the text on piece by piece and keeps none of it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ofe {

class UnixctlAnswer {
 public:
  enum class State : std::uint8_t { reading, reply, refused, malformed };

  // The answer to the request with this id.
  void begin(std::uint64_t id);
  // Takes what arrived and appends the text in it. The members come in any order.
  State feed(std::string_view octets, std::string& text);
  // The text so far is that of "error": the command failed.
  bool refusing() const { return error_seen_; }
  const char* problem() const { return problem_; }  // of a malformed answer: what was expected

 private:
  enum class Place : std::uint8_t { object, first_key, key, key_text, colon, value, text, token, comma, end };
  bool take(char c, std::string& text);
  bool take_structure(char c);
  bool begin_value(char c);
  bool end_token();
  bool end_object();
  bool take_escape(char c, std::string& text);
  bool end_code_point(std::string& text);
  bool fail(const char* expected);

  State state_ = State::reading;
  Place place_ = Place::object;
  std::string id_;
  std::string key_, token_;
  bool id_seen_ = false, result_seen_ = false, error_seen_ = false;
  std::uint8_t escape_ = 0;  // 0: none, 1: behind a backslash, 2 to 5: before a hexadecimal digit of \uXXXX
  std::uint16_t code_unit_ = 0, high_surrogate_ = 0;
  const char* problem_ = "";
};

}  // namespace ofe
