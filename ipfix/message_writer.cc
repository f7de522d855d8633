#include "ipfix/message_writer.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace ipfix {
namespace {

constexpr std::size_t min_message_octets = 64;

// Where the header's fields begin (RFC 7011 section 3.1).
constexpr std::size_t export_time_at = 4;
constexpr std::size_t sequence_at = 8;

void put32(std::vector<std::uint8_t>& octets, std::size_t at, std::uint32_t v) {
  put16(octets, at, v >> 16);
  put16(octets, at + 2, v & 0xFFFF);
}

}  // namespace

void stamp(Message& message, std::uint32_t export_time_s, std::uint32_t sequence) {
  put32(message.octets, export_time_at, export_time_s);
  put32(message.octets, sequence_at, sequence);
}

std::size_t encoded_octets(const Template& definition) {
  std::size_t octets = definition.scope_fields > 0 ? 6 : 4;
  for (const FieldSpecifier& field : definition.fields) octets += field.enterprise != 0 ? 8 : 4;
  return octets;
}

MessageWriter::MessageWriter(std::uint32_t observation_domain, std::size_t max_octets)
    : observation_domain_(observation_domain),
      max_octets_(std::clamp(max_octets, min_message_octets, longest_message_octets)) {
  begin({});
}

bool MessageWriter::add_template(const Template& definition) {
  assert(definition.id >= first_data_set_id && definition.scope_fields <= definition.fields.size());
  const std::uint16_t set_id = definition.scope_fields > 0 ? options_template_set_id : template_set_id;
  const std::size_t record_octets = encoded_octets(definition);
  if (!fits(set_id, record_octets)) return false;
  if (open_set_id_ != set_id) open_set(set_id);
  append_template(definition);
  ++message_.template_records;
  return true;
}

bool MessageWriter::add_record(std::uint16_t template_id, std::span<const std::uint8_t> record) {
  assert(template_id >= first_data_set_id && !record.empty());
  if (!fits(template_id, record.size())) return false;
  if (open_set_id_ != template_id) open_set(template_id);
  std::uint8_t* const at = &message_.octets[end_];
  if (record.data() != at) std::memcpy(at, record.data(), record.size());
  end_ += record.size();
  ++message_.data_records;
  return true;
}

std::span<std::uint8_t> MessageWriter::room(std::uint16_t template_id, std::size_t longest_octets) {
  if (!fits(template_id, longest_octets)) return {};
  return std::span(message_.octets).subspan(end_ + octets_added(template_id, 0), longest_octets);
}

Message MessageWriter::take(std::vector<std::uint8_t> next_buffer) {
  close_set();
  put16(message_.octets, message_length_at, end_);
  message_.octets.resize(end_);
  Message finished = std::move(message_);
  // A short one that waits keeps no memory that it does not need, as only its octets count against a bound.
  if (finished.octets.size() < finished.octets.capacity() / 2) finished.octets.shrink_to_fit();
  begin(std::move(next_buffer));
  return finished;
}

// What a buffer held stays in it: only what it grows by is written, once.
void MessageWriter::begin(std::vector<std::uint8_t> buffer) {
  message_ = Message{};
  message_.octets = std::move(buffer);
  message_.octets.resize(max_octets_);
  end_ = 0;
  append16(ipfix_version);
  append16(0);
  append32(0);
  append32(0);
  append32(observation_domain_);
}

void MessageWriter::append16(std::uint16_t v) {
  put16(message_.octets, end_, v);
  end_ += sizeof v;
}

void MessageWriter::append32(std::uint32_t v) {
  put32(message_.octets, end_, v);
  end_ += sizeof v;
}

void MessageWriter::append_template(const Template& definition) {
  append16(definition.id);
  append16(static_cast<std::uint16_t>(definition.fields.size()));
  if (definition.scope_fields > 0) append16(definition.scope_fields);
  for (const FieldSpecifier& field : definition.fields) {
    append16(field.enterprise != 0 ? static_cast<std::uint16_t>(field.id | enterprise_bit) : field.id);
    append16(field.length);
    if (field.enterprise != 0) append32(field.enterprise);
  }
}

void MessageWriter::open_set(std::uint16_t set_id) {
  close_set();
  open_set_id_ = set_id;
  open_set_at_ = end_;
  append16(set_id);
  append16(0);
}

void MessageWriter::close_set() {
  if (open_set_id_ == 0) return;
  put16(message_.octets, open_set_at_ + set_length_at, end_ - open_set_at_);
  open_set_id_ = 0;
}

}  // namespace ipfix
