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
  explicit RecordWriter(std::span<std::uint8_t> buffer) : buffer_(buffer) {}

  void u8(std::uint8_t v) { integer(v, 1); }
  void u16(std::uint16_t v) { integer(v, 2); }
  void u32(std::uint32_t v) { integer(v, 4); }
  void u64(std::uint64_t v) { integer(v, 8); }
  void f64(double v) { integer(std::bit_cast<std::uint64_t>(v), 8); }  // IEEE 754 (RFC 7011 section 6.1.4)
  void octets(std::span<const std::uint8_t> v) { put(v.data(), v.size()); }
  // Variable length (RFC 7011 section 7): one octet of length below 255, else 255 and two octets. Longer than 65,535
  // octets is an overflow. Octets that are no UTF-8 must not be sent (section 6.1.6): a question mark stands for each.
  void string(std::string_view v) {
    if (v.size() > 65535) {
      overflow_ = true;
      return;
    }
    if (v.size() < 255) {
      u8(static_cast<std::uint8_t>(v.size()));
    } else {
      u8(255);
      u16(static_cast<std::uint16_t>(v.size()));
    }
    put(v.data(), v.size());
    if (!is_ascii(v) && !overflow_) mend_utf8(buffer_.subspan(used_ - v.size(), v.size()));
  }

  // True once anything did not fit; what was written before stays, nothing is written after.
  bool overflow() const { return overflow_; }
  std::span<const std::uint8_t> written() const { return buffer_.first(used_); }

 private:
  void integer(std::uint64_t v, std::size_t width) {
    std::uint8_t network_order[8];
    for (std::size_t i = 0; i < width; ++i) network_order[i] = static_cast<std::uint8_t>(v >> (8 * (width - 1 - i)));
    put(network_order, width);
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
    if (overflow_ || size > buffer_.size() - used_) {
      overflow_ = true;
      return;
    }
    if (size != 0) std::memcpy(buffer_.data() + used_, data, size);
    used_ += size;
  }

  std::span<std::uint8_t> buffer_;
  std::size_t used_ = 0;
  bool overflow_ = false;
};

}  // namespace ipfix
