#include "ipfix/record_json.h"

#include <arpa/inet.h>

#include <array>
#include <cstddef>
#include <string_view>
#include <vector>

#include "ipfix/json_text.h"
#include "ipfix/value.h"

namespace ipfix {
namespace {

void append_value(std::string& out, DataType type, Octets value, const TemplateSource& templates);

void append_address(std::string& out, int family, Octets value) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(family, value.data(), text.data(), text.size());
  append_json_string(out, text.data());
}

void append_mac_address(std::string& out, Octets value) {
  constexpr char digits[] = "0123456789abcdef";
  char separator = '"';
  for (const std::uint8_t octet : value) {
    out += separator;
    out += digits[octet >> 4];
    out += digits[octet & 0xf];
    separator = ':';
  }
  out += '"';
}

// Keys that several fields share come once, where the first of them stands.
void append_fields(std::string& out, const CollectedTemplate& definition, const Values& values,
                   const TemplateSource& templates, bool is_first) {
  for (std::size_t i = 0; i < definition.fields.size(); ++i) {
    const CollectedField& field = definition.fields[i];
    if (!field.first_of_name) continue;
    if (!is_first) out += ',';
    is_first = false;
    append_json_string(out, field.element != nullptr ? std::string_view(field.element->name)
                                                     : std::string_view(field_name(field.specifier, nullptr)));
    out += ':';
    if (field.next_of_name < 0) {
      append_value(out, field.type, values[i], templates);
      continue;
    }
    char separator = '[';
    for (auto next = static_cast<std::int32_t>(i); next >= 0;) {
      const CollectedField& repeated = definition.fields[static_cast<std::size_t>(next)];
      out += separator;
      separator = ',';
      append_value(out, repeated.type, values[static_cast<std::size_t>(next)], templates);
      next = repeated.next_of_name;
    }
    out += ']';
  }
}

void append_basic_list(std::string& out, Octets value, const TemplateSource& templates) {
  BasicList list;
  if (!read_basic_list(value, list)) return append_json_hex(out, value);
  bool learned = false;
  const Element* element = templates.elements().find_element(list.specifier.enterprise, list.specifier.id, learned);
  const DataType type = element == nullptr ? DataType::octet_array : element->type;
  OctetReader reader(list.content);
  out += '[';
  for (bool is_first = true; reader.remaining() > 0 && list.specifier.length > 0; is_first = false) {
    const Octets item = reader.value(list.specifier.length);
    if (reader.cut()) break;
    if (!is_first) out += ',';
    append_value(out, type, item, templates);
  }
  out += ']';
}

void append_sub_template_lists(std::string& out, const std::vector<SubTemplateList>& lists,
                               const TemplateSource& templates) {
  bool is_first = true;
  const auto separate = [&] {
    if (!is_first) out += ',';
    is_first = false;
  };
  out += '[';
  for (const SubTemplateList& list : lists) {
    const CollectedTemplate* definition = templates.find_template(list.template_id);
    if (definition == nullptr) {
      if (list.content.empty()) continue;
      separate();
      append_json_hex(out, list.content);
      continue;
    }
    RecordReader reader(*definition, list.content);
    Values values;
    while (reader.next(values)) {
      separate();
      out += '{';
      append_fields(out, *definition, values, templates, true);
      out += '}';
    }
  }
  out += ']';
}

void append_list(std::string& out, DataType type, Octets value, const TemplateSource& templates) {
  if (type == DataType::basic_list) return append_basic_list(out, value, templates);
  std::uint8_t semantic = 0;
  std::vector<SubTemplateList> lists(1);
  const bool whole = type == DataType::sub_template_list ? read_sub_template_list(value, semantic, lists[0])
                                                         : read_sub_template_multi_list(value, semantic, lists);
  if (!whole) return append_json_hex(out, value);
  append_sub_template_lists(out, lists, templates);
}

void append_value(std::string& out, DataType type, Octets value, const TemplateSource& templates) {
  if (!legal_length(type, value.size())) return append_json_hex(out, value);
  switch (type) {
    case DataType::unsigned8:
    case DataType::unsigned16:
    case DataType::unsigned32:
    case DataType::unsigned64:
      out += std::to_string(big_endian(value));
      break;
    case DataType::signed8:
    case DataType::signed16:
    case DataType::signed32:
    case DataType::signed64:
      out += std::to_string(signed_value(value));
      break;
    case DataType::float32:
      append_json_number(out, static_cast<float>(float_value(value)));
      break;
    case DataType::float64:
      // Of a float32 the digits that it has, not those that its widening adds.
      if (value.size() == 4) return append_json_number(out, static_cast<float>(float_value(value)));
      append_json_number(out, float_value(value));
      break;
    case DataType::boolean:
      out += value[0] == 1 ? "true" : value[0] == 2 ? "false" : "null";
      break;
    case DataType::mac_address:
      append_mac_address(out, value);
      break;
    case DataType::string:
      append_json_string(out, {reinterpret_cast<const char*>(value.data()), value.size()});
      break;
    case DataType::date_time_seconds:
    case DataType::date_time_milliseconds:
    case DataType::date_time_microseconds:
    case DataType::date_time_nanoseconds:
      append_json_instant(out, instant_value(type, value));
      break;
    case DataType::ipv4_address:
      append_address(out, AF_INET, value);
      break;
    case DataType::ipv6_address:
      append_address(out, AF_INET6, value);
      break;
    case DataType::basic_list:
    case DataType::sub_template_list:
    case DataType::sub_template_multi_list:
      append_list(out, type, value, templates);
      break;
    case DataType::octet_array:
    case DataType::unsigned256:
      append_json_hex(out, value);
      break;
  }
}

}  // namespace

void append_record_json(std::string& out, const DataRecord& record, RecordJsonOptions options) {
  out += '{';
  if (options.meta) {
    out += "\"_exporter\":";
    append_json_string(out, record.exporter);
    out += ",\"_domain\":" + std::to_string(record.header.observation_domain);
    out += ",\"_template\":" + std::to_string(record.definition.id);
    out += ",\"_sequence\":" + std::to_string(record.header.sequence);
    out += ",\"_exportTime\":";
    append_json_instant(out, {record.header.export_time, 0, 0});
  }
  append_fields(out, record.definition, record.values, record.templates, !options.meta);
  out += '}';
}

}  // namespace ipfix
