#include "ovs-plugin/exporter/unixctl_answer.h"

namespace ofe {
namespace {

constexpr std::size_t longest_key = 16, longest_token = 32;

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool is_plain(char c) {
  return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\';
}

int hexadecimal(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void append_utf8(std::uint32_t code_point, std::string& text) {
  const auto put = [&text](std::uint32_t octet) { text.push_back(static_cast<char>(octet)); };
  if (code_point < 0x80) return put(code_point);
  if (code_point < 0x800) {
    put(0xc0 | code_point >> 6);
  } else {
    if (code_point < 0x10000) {
      put(0xe0 | code_point >> 12);
    } else {
      put(0xf0 | code_point >> 18);
      put(0x80 | (code_point >> 12 & 0x3f));
    }
    put(0x80 | (code_point >> 6 & 0x3f));
  }
  put(0x80 | (code_point & 0x3f));
}

}  // namespace

void UnixctlAnswer::begin(std::uint64_t id) {
  *this = UnixctlAnswer();
  id_ = std::to_string(id);
}

bool UnixctlAnswer::fail(const char* expected) {
  problem_ = expected;
  return false;
}

UnixctlAnswer::State UnixctlAnswer::feed(std::string_view octets, std::string& text) {
  for (std::size_t i = 0; i < octets.size() && state_ != State::malformed;) {
    if (place_ == Place::text && escape_ == 0 && high_surrogate_ == 0) {
      const std::size_t begin = i;
      while (i < octets.size() && is_plain(octets[i])) ++i;
      text.append(octets, begin, i - begin);
      if (i == octets.size()) break;
    }
    if (!take(octets[i++], text)) state_ = State::malformed;
  }
  return state_;
}

bool UnixctlAnswer::take(char c, std::string& text) {
  switch (place_) {
    case Place::text:
      if (escape_ != 0) return take_escape(c, text);
      if (c == '\\') return escape_ = 1, true;
      if (high_surrogate_ != 0) return fail("the second half of a surrogate pair");
      if (c != '"') return fail("no control character in a string");
      place_ = Place::comma;
      return true;
    case Place::key_text:
      if (c == '"') return place_ = Place::colon, true;
      if (!is_plain(c) || key_.size() == longest_key) return fail("\"id\", \"result\" or \"error\"");
      key_.push_back(c);
      return true;
    case Place::token:
      if (hexadecimal(c) >= 0 || (c >= 'g' && c <= 'z') || c == '-' || c == '.' || c == '+') {
        token_.push_back(c);
        return token_.size() <= longest_token || fail("a number or null");
      }
      return end_token() && take_structure(c);
    default:
      return take_structure(c);
  }
}

bool UnixctlAnswer::take_structure(char c) {
  if (is_space(c)) return true;
  switch (place_) {
    case Place::object:
      if (c != '{') return fail("'{'");
      place_ = Place::first_key;
      return true;
    case Place::first_key:
    case Place::key:
      if (c != '"') return fail("the name of a member");
      key_.clear();
      place_ = Place::key_text;
      return true;
    case Place::colon:
      if (c != ':') return fail("':'");
      place_ = Place::value;
      return true;
    case Place::value:
      return begin_value(c);
    case Place::comma:
      if (c == '}') return end_object();
      if (c != ',') return fail("',' or '}'");
      place_ = Place::key;
      return true;
    default:
      return fail("nothing after the answer");
  }
}

bool UnixctlAnswer::begin_value(char c) {
  if (key_ != "id" && key_ != "result" && key_ != "error") return fail("\"id\", \"result\" or \"error\"");
  if (c == '"') {
    if (key_ == "id") return fail("the number of the request");
    if (result_seen_ || error_seen_) return fail("one result or one error");
    (key_ == "result" ? result_seen_ : error_seen_) = true;
    place_ = Place::text;
    return true;
  }
  if (hexadecimal(c) < 0 && c != '-' && c != 'n') return fail("a string, a number or null");
  token_.assign(1, c);
  place_ = Place::token;
  return true;
}

bool UnixctlAnswer::end_token() {
  place_ = Place::comma;
  if (key_ != "id") return token_ == "null" || fail("a string or null");
  id_seen_ = token_ == id_;
  return id_seen_ || fail("the number of the request");
}

bool UnixctlAnswer::end_object() {
  if (!id_seen_) return fail("\"id\"");
  if (!result_seen_ && !error_seen_) return fail("\"result\" or \"error\"");
  place_ = Place::end;
  state_ = error_seen_ ? State::refused : State::reply;
  return true;
}

bool UnixctlAnswer::take_escape(char c, std::string& text) {
  if (escape_ > 1) {
    const int digit = hexadecimal(c);
    if (digit < 0) return fail("four hexadecimal digits");
    code_unit_ = static_cast<std::uint16_t>(code_unit_ << 4 | digit);
    if (escape_++ < 5) return true;
    escape_ = 0;
    return end_code_point(text);
  }
  if (c == 'u') {
    code_unit_ = 0;
    escape_ = 2;
    return true;
  }
  if (high_surrogate_ != 0) return fail("the second half of a surrogate pair");
  constexpr std::string_view escapes = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
  const std::size_t which = escapes.find(c);
  if (which == std::string_view::npos) return fail("an escape of JSON");
  text.push_back(meanings[which]);
  escape_ = 0;
  return true;
}

// RFC 8259 section 7: what lies beyond 16 bits is written as two units.
bool UnixctlAnswer::end_code_point(std::string& text) {
  const bool high = code_unit_ >= 0xd800 && code_unit_ < 0xdc00, low = code_unit_ >= 0xdc00 && code_unit_ < 0xe000;
  if (low != (high_surrogate_ != 0)) return fail("both halves of a surrogate pair");
  if (high) {
    high_surrogate_ = code_unit_;
    return true;
  }
  append_utf8(low ? 0x10000u + ((high_surrogate_ - 0xd800u) << 10) + (code_unit_ - 0xdc00u) : code_unit_, text);
  high_surrogate_ = 0;
  return true;
}

}  // namespace ofe
