#include "ipfix/message_reader.h"

#include <algorithm>

namespace ipfix {
namespace {

bool all_zero(Octets octets) {
  return std::all_of(octets.begin(), octets.end(), [](std::uint8_t octet) { return octet == 0; });
}

}  // namespace

Finding read_header(Octets message, MessageHeader& header) {
  OctetReader reader(message);
  const std::uint16_t version = reader.u16();
  if (!reader.cut() && version != ipfix_version) return Finding::wrong_version;
  header.length = reader.u16();
  header.export_time = reader.u32();
  header.sequence = reader.u32();
  header.observation_domain = reader.u32();
  if (reader.cut()) return Finding::message_cut;
  if (header.length < message_header_octets) return Finding::message_length_below_header;
  if (header.length > message.size()) return Finding::message_longer_than_datagram;
  if (header.length < message.size()) return Finding::octets_after_message;
  return Finding::none;
}

bool SetReader::next(Set& set) {
  const std::size_t remaining = message_.size() - offset_;
  if (finding_ != Finding::none || remaining == 0) return false;
  if (remaining < set_header_octets) {
    finding_ = Finding::set_header_cut;
    return false;
  }
  OctetReader reader(message_.subspan(offset_));
  set.id = reader.u16();
  const std::size_t length = reader.u16();
  if (length < set_header_octets) {
    finding_ = Finding::set_length_below_header;
  } else if (length > remaining) {
    finding_ = Finding::set_beyond_message;
  }
  if (finding_ != Finding::none) return false;
  set.body = reader.octets(length - set_header_octets);
  set.offset = offset_;
  offset_ += length;
  return true;
}

bool TemplateSetReader::next(TemplateRecord& record) {
  // Section 3.3.1 wants padding shorter than any record; zeros can be no record whatever their number.
  if (reader_.remaining() < 4 || all_zero(reader_.rest())) return read_any_ ? false : fail(Finding::set_without_record);
  record.options = id_ == options_template_set_id;
  Template& definition = record.definition;
  definition = {};
  definition.id = reader_.u16();
  const std::size_t field_count = reader_.u16();
  const bool all_of_this_kind = field_count == 0 && definition.id == id_;
  if (definition.id < first_data_set_id && !all_of_this_kind) return fail(Finding::template_id_reserved);
  read_any_ = true;
  if (field_count == 0) return true;

  if (record.options) {
    definition.scope_fields = reader_.u16();
    if (reader_.cut()) return fail(Finding::template_cut);
    if (definition.scope_fields == 0) return fail(Finding::scope_count_zero);
    if (definition.scope_fields > field_count) return fail(Finding::scope_count_beyond_fields);
  }
  // A specifier takes four octets at least: never reserve for more than can come.
  if (field_count * 4 > reader_.remaining()) return fail(Finding::template_cut);
  definition.fields.reserve(field_count);
  for (std::size_t i = 0; i < field_count; ++i) definition.fields.push_back(reader_.field_specifier());
  if (reader_.cut()) return fail(Finding::template_cut);
  const auto has_length = [](const FieldSpecifier& field) { return field.length != 0; };
  if (std::none_of(definition.fields.begin(), definition.fields.end(), has_length)) {
    return fail(Finding::template_of_empty_records);
  }
  return true;
}

void StreamFramer::append(Octets octets) {
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(start_));
  start_ = 0;
  buffer_.insert(buffer_.end(), octets.begin(), octets.end());
}

std::optional<Octets> StreamFramer::next() {
  if (finding_ != Finding::none) return std::nullopt;
  const Octets unread = Octets(buffer_).subspan(start_);
  OctetReader reader(unread);
  const std::uint16_t version = reader.u16();
  if (reader.cut()) return std::nullopt;
  if (version != ipfix_version) {
    finding_ = Finding::wrong_version;
    return std::nullopt;
  }
  const std::size_t length = reader.u16();
  if (reader.cut()) return std::nullopt;
  if (length < message_header_octets) {
    finding_ = Finding::message_length_below_header;
    return std::nullopt;
  }
  if (length > unread.size()) return std::nullopt;
  start_ += length;
  consumed_ += length;
  return unread.first(length);
}

Finding StreamFramer::at_end() const {
  if (finding_ != Finding::none) return finding_;
  return buffered() == 0 ? Finding::none : Finding::message_cut;
}

}  // namespace ipfix
