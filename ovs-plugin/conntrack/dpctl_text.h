// Reading the text that `ovs-appctl dpctl/…` prints: names, numbers and balanced parentheses, from left to right.
//
// The first thing that is not as expected sticks: from then on nothing is read, every read gives an empty value, and
// error() says what was expected in which column. So a parser reads straight on and checks ok() once at its end.
#pragma once

#include <cctype>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace ofe {

class DpctlText {
 public:
  explicit DpctlText(std::string_view text) : text_(text) {}

  bool ok() const { return expected_ == nullptr; }
  bool at_end() const { return !ok() || position_ == text_.size(); }
  // The character `ahead` places on; NUL at the end and after a failure.
  char peek(std::size_t ahead = 0) const {
    return ok() && text_.size() - position_ > ahead ? text_[position_ + ahead] : '\0';
  }

  bool accept(char wanted) {
    if (at_end() || text_[position_] != wanted) return false;
    ++position_;
    return true;
  }
  void expect(char wanted, const char* expected) {
    if (!accept(wanted)) fail(expected);
  }
  void expect_end(const char* expected) {
    if (!at_end()) fail(expected);
  }
  void skip_spaces() {
    while (accept(' ')) continue;
  }

  // What stands before the next of the stop characters, or before the end; may be empty.
  std::string_view until(std::string_view stops) {
    if (at_end()) return text_.substr(position_, 0);
    const std::size_t stop = std::min(text_.find_first_of(stops, position_), text_.size());
    const std::string_view found = text_.substr(position_, stop - position_);
    position_ = stop;
    return found;
  }

  // With '(' next: what it encloses, up to its own ')', which is passed.
  std::string_view nested() {
    if (peek() != '(') return fail("'('"), std::string_view{};
    std::size_t depth = 0;
    for (std::size_t i = position_; i < text_.size(); ++i) {
      if (text_[i] == '(') ++depth;
      if (text_[i] != ')' || --depth != 0) continue;
      const std::string_view inside = text_.substr(position_ + 1, i - position_ - 1);
      position_ = i + 1;
      return inside;
    }
    return fail("a ')' for this '('"), std::string_view{};
  }

  // Decimal, or hexadecimal after 0x, as printf's %u and %#x print; 0 when there is none or it does not fit.
  template <class Unsigned>
  Unsigned number() {
    if (!ok()) return 0;
    const bool hexadecimal = peek() == '0' && (peek(1) == 'x' || peek(1) == 'X');
    const char* first = text_.data() + position_ + (hexadecimal ? 2 : 0);
    Unsigned value = 0;
    const auto [last, problem] = std::from_chars(first, text_.data() + text_.size(), value, hexadecimal ? 16 : 10);
    if (problem != std::errc{}) return fail(number_of<Unsigned>()), Unsigned{0};
    position_ = static_cast<std::size_t>(last - text_.data());
    return value;
  }

  std::size_t position() const { return position_; }
  // At `position` instead of where reading stands: a value that was read and made no sense.
  void fail_at(std::size_t position, const char* expected) {
    if (!ok()) return;
    expected_ = expected;
    position_ = position;
  }
  void fail(const char* expected) { fail_at(position_, expected); }  // expected: a literal, kept

  // "column 12: expected ',', found \"x…\""; "" while ok().
  std::string error() const {
    if (ok()) return {};
    std::string message = "column " + std::to_string(position_ + 1) + ": expected " + expected_ + ", found ";
    if (position_ == text_.size()) return message + "the end of the line";
    message += '"';
    for (const char c : text_.substr(position_, max_quoted))
      message += std::isprint(static_cast<unsigned char>(c)) ? c : '?';
    return message + '"';
  }

 private:
  static constexpr std::size_t max_quoted = 24;

  template <class Unsigned>
  static constexpr const char* number_of() {
    constexpr auto most = std::numeric_limits<Unsigned>::max();
    if constexpr (most == 0xff) return "a number up to 255";
    if constexpr (most == 0xffff) return "a number up to 65535";
    if constexpr (most == 0xffffffff) return "a number of 32 bits";
    return "a number of 64 bits";
  }

  std::string_view text_;
  std::size_t position_ = 0;
  const char* expected_ = nullptr;
};

}  // namespace ofe
