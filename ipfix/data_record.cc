#include "ipfix/data_record.h"

#include "ipfix/value.h"

namespace ipfix {
namespace {

Finding spend(ValueBudget& budget, std::size_t values) {
  if (values > budget.values) return Finding::too_many_values;
  budget.values -= values;
  return Finding::none;
}

Finding check_end(const RecordReader& reader, std::size_t depth) {
  if (depth == 0) return reader.cut() ? Finding::record_beyond_set : Finding::none;
  return reader.cut() || !reader.rest().empty() ? Finding::list_cut : Finding::none;
}

Finding check_basic_list(Octets value, const TemplateSource& templates, ValueBudget& budget, std::size_t depth) {
  BasicList list;
  if (!read_basic_list(value, list)) return Finding::list_cut;
  bool learned = false;
  const Element* element = templates.elements().find_element(list.specifier.enterprise, list.specifier.id, learned);
  const DataType type = element == nullptr ? DataType::octet_array : element->type;
  const bool endless = list.specifier.length == 0 && !list.content.empty();
  if (endless || !legal_field_length(type, list.specifier.length)) return Finding::list_element_length_illegal;
  OctetReader reader(list.content);
  while (reader.remaining() > 0) {
    const Octets item = reader.value(list.specifier.length);
    if (reader.cut()) return Finding::list_cut;
    Finding finding = spend(budget, 1);
    if (finding == Finding::none) finding = check_value(type, item, templates, budget, depth + 1);
    if (finding != Finding::none) return finding;
  }
  return Finding::none;
}

Finding check_sub_template_list(const SubTemplateList& list, const TemplateSource& templates, ValueBudget& budget,
                                std::size_t depth) {
  if (list.template_id < first_data_set_id) return Finding::list_template_id_reserved;
  const CollectedTemplate* definition = templates.find_template(list.template_id);
  if (definition == nullptr) return Finding::none;
  std::size_t records = 0;
  return check_records(*definition, list.content, templates, budget, records, depth + 1);
}

}  // namespace

// put.fixed(first octet, index of the first field, how many) and put.variable(value, index of the field).
template <class Put>
inline bool RecordReader::walk(Put put) {
  if (rest_.size() < definition_.min_record_octets || rest_.empty()) return false;
  const std::uint8_t* at = rest_.data();
  const std::uint8_t* const end = at + rest_.size();
  const auto left = [&] { return static_cast<std::size_t>(end - at); };
  const auto fail = [this] {
    cut_ = true;
    rest_ = {};
    return false;
  };
  std::size_t field = 0;
  for (const FieldRun *run = definition_.runs.data(), *last = run + definition_.runs.size() - 1;; ++run) {
    if (run->octets > left()) return fail();
    put.fixed(at, field, run->fields);
    at += run->octets;
    field += run->fields;
    if (run == last) break;
    // RFC 7011 section 7.
    if (left() < 1) return fail();
    std::size_t length = *at++;
    if (length == 255) {
      if (left() < 2) return fail();
      length = static_cast<std::size_t>(at[0] << 8 | at[1]);
      at += 2;
    }
    if (length > left()) return fail();
    put.variable(Octets(at, length), field++);
    at += length;
  }
  rest_ = Octets(at, left());
  return true;
}

bool RecordReader::next(Values& values) {
  struct Put {
    Octets* values;
    const CollectedField* fields;
    void fixed(const std::uint8_t* at, std::size_t first, std::size_t count) {
      for (std::size_t i = first; i < first + count; ++i) {
        const std::size_t length = fields[i].specifier.length;
        values[i] = Octets(at, length);
        at += length;
      }
    }
    void variable(Octets value, std::size_t field) { values[field] = value; }
  };
  values.resize(definition_.fields.size());
  return walk(Put{values.data(), definition_.fields.data()});
}

bool RecordReader::skip() {
  struct Put {
    void fixed(const std::uint8_t*, std::size_t, std::size_t) {}
    void variable(Octets, std::size_t) {}
  };
  return walk(Put{});
}

bool read_basic_list(Octets value, BasicList& list) {
  OctetReader reader(value);
  list.semantic = reader.u8();
  list.specifier = reader.field_specifier();
  list.content = reader.rest();
  return !reader.cut();
}

bool read_sub_template_list(Octets value, std::uint8_t& semantic, SubTemplateList& list) {
  OctetReader reader(value);
  semantic = reader.u8();
  list.template_id = reader.u16();
  list.content = reader.rest();
  return !reader.cut();
}

bool read_sub_template_multi_list(Octets value, std::uint8_t& semantic, std::vector<SubTemplateList>& lists) {
  constexpr std::size_t part_header_octets = 4;  // counted in the part's length
  OctetReader reader(value);
  semantic = reader.u8();
  lists.clear();
  while (reader.remaining() > 0) {
    SubTemplateList list;
    list.template_id = reader.u16();
    const std::size_t length = reader.u16();
    if (reader.cut() || length < part_header_octets) return false;
    list.content = reader.octets(length - part_header_octets);
    lists.push_back(list);
  }
  return !reader.cut();
}

Finding check_value(DataType type, Octets value, const TemplateSource& templates, ValueBudget& budget,
                    std::size_t depth) {
  if (!is_list(type)) return legal_length(type, value.size()) ? Finding::none : Finding::value_length_illegal;
  if (depth >= budget.list_nesting) return Finding::list_nested_too_deep;
  if (type == DataType::basic_list) return check_basic_list(value, templates, budget, depth);
  std::uint8_t semantic = 0;
  std::vector<SubTemplateList> lists(1);
  const bool whole = type == DataType::sub_template_list ? read_sub_template_list(value, semantic, lists[0])
                                                         : read_sub_template_multi_list(value, semantic, lists);
  if (!whole) return Finding::list_cut;
  for (const SubTemplateList& list : lists) {
    // Parts without content cost four octets each; they count as a value.
    Finding finding = spend(budget, 1);
    if (finding == Finding::none) finding = check_sub_template_list(list, templates, budget, depth);
    if (finding != Finding::none) return finding;
  }
  return Finding::none;
}

Finding check_records(const CollectedTemplate& definition, Octets octets, const TemplateSource& templates,
                      ValueBudget& budget, std::size_t& records, std::size_t depth) {
  const std::size_t field_count = definition.fields.size();
  records = 0;
  if (definition.fixed_size && !definition.has_lists) {
    records = octets.size() / definition.min_record_octets;
    if (depth > 0 && octets.size() % definition.min_record_octets != 0) return Finding::list_cut;
    return spend(budget, records * field_count);
  }
  RecordReader reader(definition, octets);
  if (!definition.values_need_check) {
    while (reader.skip()) {
      ++records;
      if (spend(budget, field_count) != Finding::none) return Finding::too_many_values;
    }
    return check_end(reader, depth);
  }
  Values values;
  while (reader.next(values)) {
    ++records;
    Finding finding = spend(budget, field_count);
    for (std::size_t i = 0; finding == Finding::none && i < field_count; ++i) {
      const CollectedField& field = definition.fields[i];
      if (field.specifier.length != variable_length && !is_list(field.type)) continue;
      finding = check_value(field.type, values[i], templates, budget, depth);
    }
    if (finding != Finding::none) return finding;
  }
  return check_end(reader, depth);
}

}  // namespace ipfix
