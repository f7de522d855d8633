// Reading the text that `ovs-appctl dpctl/…` prints: names, numbers and balanced parentheses, from left to right.
//
// The first thing that is not as expected sticks: from then on nothing is read, every read gives an empty value, and
// error() says what was expected in which column. So a parser reads straight on and checks ok() once at its end.
#pragma once

#include <array>
#include <bit>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <cstring>
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

  // What stands before the next of the stop characters, or before the end; may be empty. A table says in one step
  // whether a character stops: this is where most of a line's time goes.
  std::string_view until(std::string_view stops) {
    if (at_end()) return text_.substr(position_, 0);
    std::uint8_t wanted = 0;
    for (const char c : stops) wanted |= separators[static_cast<std::uint8_t>(c)];
    const char* const first = text_.data() + position_;
    const char* const end = text_.data() + text_.size();
    const char* stop = first;
    while (stop != end && (separators[static_cast<std::uint8_t>(*stop)] & wanted) == 0) ++stop;
    position_ = static_cast<std::size_t>(stop - text_.data());
    return {first, static_cast<std::size_t>(stop - first)};
  }

  // The next eight characters as they lie in memory, to be compared with eight(); 0 where there are fewer.
  std::uint64_t next_eight() const {
    std::uint64_t octets = 0;
    if (ok() && text_.size() - position_ >= sizeof octets) {
      std::memcpy(&octets, text_.data() + position_, sizeof octets);
    }
    return octets;
  }
  static constexpr std::uint64_t eight(const char (&text)[9]) {
    std::array<char, 8> octets{};
    for (std::size_t i = 0; i < octets.size(); ++i) octets[i] = text[i];
    return std::bit_cast<std::uint64_t>(octets);
  }
  // Past the next `wanted`.
  void skip_behind(char wanted, const char* expected) {
    const std::size_t found = at_end() ? text_.npos : text_.find(wanted, position_);
    if (found == text_.npos) return fail(expected);
    position_ = found + 1;
  }

  // With '(' next: what it encloses, up to its own ')', which is passed.
  std::string_view nested() {
    if (peek() != '(') return fail("'('"), std::string_view{};
    const std::size_t before = position_++;
    const std::string_view flat = until("()");
    if (accept(')')) return flat;
    position_ = before;
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
    const unsigned base = hexadecimal ? 16 : 10;
    const std::size_t first = position_ + (hexadecimal ? 2 : 0);
    constexpr Unsigned most = std::numeric_limits<Unsigned>::max();
    std::size_t at = first;
    Unsigned value = 0;
    for (; at < text_.size(); ++at) {
      const unsigned digit = digits[static_cast<std::uint8_t>(text_[at])];
      if (digit >= base) break;
      if (value > (most - digit) / base) return fail(number_of<Unsigned>()), Unsigned{0};
      value = static_cast<Unsigned>(value * base + digit);
    }
    if (at == first) return fail(number_of<Unsigned>()), Unsigned{0};
    position_ = at;
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

  // A bit for each character that until() may be asked to stop at.
  static constexpr std::array<std::uint8_t, 256> separators = [] {
    std::array<std::uint8_t, 256> bits{};
    std::uint8_t bit = 1;
    for (const char c : {'(', ')', ',', '=', ':', '/', ' '}) {
      bits[static_cast<std::uint8_t>(c)] = bit;
      bit = static_cast<std::uint8_t>(bit << 1);
    }
    return bits;
  }();

  // What each character is worth as a digit of up to 16; 255: it is none.
  static constexpr std::array<std::uint8_t, 256> digits = [] {
    std::array<std::uint8_t, 256> worth{};
    worth.fill(255);
    for (std::uint8_t i = 0; i < 10; ++i) worth[static_cast<std::size_t>('0' + i)] = i;
    for (std::uint8_t i = 0; i < 6; ++i) {
      worth[static_cast<std::size_t>('a' + i)] = worth[static_cast<std::size_t>('A' + i)] =
          static_cast<std::uint8_t>(10 + i);
    }
    return worth;
  }();

  std::string_view text_;
  std::size_t position_ = 0;
  const char* expected_ = nullptr;
};

}  // namespace ofe
