// Encodes one Data Record (RFC 7011 section 6) into a caller's buffer: bounded, with a sticky error that is checked
// once.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "ipfix/utf8.h"

namespace ipfix {

class RecordWriter {
 public:
  explicit RecordWriter(std::span<std::uint8_t> buffer)
      : begin_(buffer.data()), at_(begin_), end_(begin_ + buffer.size()) {}

  void u8(std::uint8_t v) { integer(v); }
  void u16(std::uint16_t v) { integer(v); }
  void u32(std::uint32_t v) { integer(v); }
  void u64(std::uint64_t v) { integer(v); }
  void f64(double v) { integer(std::bit_cast<std::uint64_t>(v)); }  // IEEE 754 (RFC 7011 section 6.1.4)
  void octets(std::span<const std::uint8_t> v) { put(v.data(), v.size()); }
  // Variable length (RFC 7011 section 7): one octet of length below 255, else 255 and two octets. Longer than 65,535
  // octets is an overflow. Octets that are no UTF-8 must not be sent (section 6.1.6): a question mark stands for each.
  void string(std::string_view v) {
    if (v.size() > 65535) return fail();
    if (v.size() < 255) {
      u8(static_cast<std::uint8_t>(v.size()));
    } else {
      u8(255);
      u16(static_cast<std::uint16_t>(v.size()));
    }
    put(v.data(), v.size());
    if (!is_ascii(v) && !overflow_) mend_utf8({at_ - v.size(), v.size()});
  }

  // A part of the record is written by a writer of its own, which begins where this one is, and this one goes on behind
  // it.
  std::span<std::uint8_t> rest() const { return {at_, end_}; }
  void go_on_behind(const RecordWriter& part) {
    at_ = part.at_;
    end_ = part.end_;
    overflow_ |= part.overflow_;
  }

  // True once anything did not fit; what was written before stays, nothing is written after.
  bool overflow() const { return overflow_; }
  std::span<const std::uint8_t> written() const { return {begin_, at_}; }

 private:
  static std::uint8_t network_order(std::uint8_t v) { return v; }
  static std::uint16_t network_order(std::uint16_t v) { return little ? __builtin_bswap16(v) : v; }
  static std::uint32_t network_order(std::uint32_t v) { return little ? __builtin_bswap32(v) : v; }
  static std::uint64_t network_order(std::uint64_t v) { return little ? __builtin_bswap64(v) : v; }
  static constexpr bool little = std::endian::native == std::endian::little;

  template <class Integer>
  void integer(Integer v) {
    v = network_order(v);
    put(&v, sizeof v);
  }
  static void mend_utf8(std::span<std::uint8_t> text) {
    while (!text.empty()) {
      std::size_t length = 0;
      const std::string_view rest(reinterpret_cast<const char*>(text.data()), text.size());
      if (decode_utf8(rest, length) == ill_formed) std::memset(text.data(), '?', length);
      text = text.subspan(length);
    }
  }
  void put(const void* data, std::size_t size) {
    if (size > static_cast<std::size_t>(end_ - at_)) return fail();
    if (size != 0) std::memcpy(at_, data, size);
    at_ += size;
  }
  void fail() {
    overflow_ = true;
    end_ = at_;  // so that nothing fits any more: put() has one thing to look at
  }

  std::uint8_t *begin_, *at_, *end_;
  bool overflow_ = false;
};

}  // namespace ipfix
