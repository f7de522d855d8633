// Writes IPFIX messages for tests, the invalid ones included: every length and count can be made to lie.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <vector>

#include "ipfix/template.h"

namespace ipfix_test {

class Bytes {
 public:
  Bytes& u8(std::uint64_t v) { return integer(v, 1); }
  Bytes& u16(std::uint64_t v) { return integer(v, 2); }
  Bytes& u32(std::uint64_t v) { return integer(v, 4); }
  Bytes& u64(std::uint64_t v) { return integer(v, 8); }
  Bytes& text(std::string_view v) {
    octets_.insert(octets_.end(), v.begin(), v.end());
    return *this;
  }
  // With the short length prefix.
  Bytes& variable(const Bytes& v) { return u8(v.size()).add(v); }
  Bytes& variable(std::string_view v) { return u8(v.size()).text(v); }
  // With the long one.
  Bytes& long_variable(const Bytes& v) { return u8(255).u16(v.size()).add(v); }
  Bytes& add(const Bytes& v) {
    octets_.insert(octets_.end(), v.octets_.begin(), v.octets_.end());
    return *this;
  }
  Bytes& zeros(std::size_t count) {
    octets_.resize(octets_.size() + count);
    return *this;
  }
  Bytes& field(const ipfix::FieldSpecifier& f) {
    u16(f.enterprise == 0 ? f.id : f.id | 0x8000).u16(f.length);
    return f.enterprise == 0 ? *this : u32(f.enterprise);
  }
  std::size_t size() const { return octets_.size(); }
  const std::vector<std::uint8_t>& octets() const { return octets_; }

 private:
  Bytes& integer(std::uint64_t v, int width) {
    for (int shift = 8 * (width - 1); shift >= 0; shift -= 8) octets_.push_back(static_cast<std::uint8_t>(v >> shift));
    return *this;
  }
  std::vector<std::uint8_t> octets_;
};

using Fields = std::initializer_list<ipfix::FieldSpecifier>;

inline Bytes template_record(std::uint16_t id, Fields fields) {
  Bytes record;
  record.u16(id).u16(fields.size());
  for (const auto& field : fields) record.field(field);
  return record;
}

inline Bytes options_template_record(std::uint16_t id, std::uint16_t scope_fields, Fields fields) {
  Bytes record;
  record.u16(id).u16(fields.size()).u16(scope_fields);
  for (const auto& field : fields) record.field(field);
  return record;
}

inline Bytes withdrawal(std::uint16_t id) {
  return Bytes().u16(id).u16(0);
}

class MessageBuilder {
 public:
  explicit MessageBuilder(std::uint32_t sequence = 0, std::uint32_t domain = 7)
      : sequence_(sequence), domain_(domain) {}

  MessageBuilder& set(std::uint16_t id, const Bytes& body) { return set_of_length(id, body.size() + 4, body); }
  // The set's header claims this length.
  MessageBuilder& set_of_length(std::uint16_t id, std::size_t length, const Bytes& body) {
    sets_.u16(id).u16(length).add(body);
    return *this;
  }
  MessageBuilder& templates(const Bytes& records) { return set(2, records); }
  MessageBuilder& options_templates(const Bytes& records) { return set(3, records); }
  MessageBuilder& raw(const Bytes& octets) {
    sets_.add(octets);
    return *this;
  }
  MessageBuilder& version(std::uint16_t v) {
    version_ = v;
    return *this;
  }
  // The message's header claims this length.
  MessageBuilder& length(std::uint16_t v) {
    length_ = v;
    return *this;
  }
  MessageBuilder& export_time(std::uint32_t v) {
    export_time_ = v;
    return *this;
  }

  std::vector<std::uint8_t> build() const {
    Bytes message;
    message.u16(version_).u16(length_.value_or(static_cast<std::uint16_t>(16 + sets_.size())));
    message.u32(export_time_).u32(sequence_).u32(domain_).add(sets_);
    return message.octets();
  }

 private:
  std::uint16_t version_ = 10;
  std::optional<std::uint16_t> length_;
  std::uint32_t export_time_ = 1'795'341'600;  // 2026-11-22T10:00:00Z
  std::uint32_t sequence_;
  std::uint32_t domain_;
  Bytes sets_;
};

}  // namespace ipfix_test
