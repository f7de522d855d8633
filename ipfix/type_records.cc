#include "ipfix/type_records.h"

#include <array>
#include <set>

#include "ipfix/element.h"
#include "ipfix/record_writer.h"

namespace ipfix {

// RFC 5610 section 3.9: the scope says which element, what follows describes it. libfixbuf takes a record for one of
// these only with all nine fields, so range and description are there, and say nothing (no range: both ends 0).
Template type_record_template(std::uint16_t id) {
  constexpr std::uint16_t scope_fields = 2;
  return {id,
          scope_fields,
          {{0, 346, 4},                  // privateEnterpriseNumber
           {0, 303, 2},                  // informationElementId
           {0, 339, 1},                  // informationElementDataType
           {0, 344, 1},                  // informationElementSemantics
           {0, 345, 2},                  // informationElementUnits
           {0, 342, 8},                  // informationElementRangeBegin
           {0, 343, 8},                  // informationElementRangeEnd
           {0, 341, variable_length},    // informationElementName
           {0, 340, variable_length}}};  // informationElementDescription
}

namespace {

void write_type_record(const Element& element, RecordWriter& out) {
  out.u32(element.enterprise);
  out.u16(element.id);
  out.u8(static_cast<std::uint8_t>(element.type));
  out.u8(static_cast<std::uint8_t>(element.semantics));
  out.u16(static_cast<std::uint16_t>(element.units));
  out.u64(0);
  out.u64(0);
  out.string(element.name);
  out.string("");
}

}  // namespace

bool add_type_records(ExportingProcess& process, std::uint16_t template_id, std::span<const Template> described) {
  if (!process.add_template(type_record_template(template_id))) return false;
  std::set<std::pair<std::uint32_t, std::uint16_t>> told;
  for (const Template& definition : described) {
    for (const FieldSpecifier& field : definition.fields) {
      const bool enterprise = field.enterprise != 0 && field.enterprise != reverse_enterprise;
      if (!enterprise || !told.emplace(field.enterprise, field.id).second) continue;
      const Element* element = Registry::builtin().find(field.enterprise, field.id);
      if (element == nullptr) continue;
      std::array<std::uint8_t, 512> buffer;
      RecordWriter out(buffer);
      write_type_record(*element, out);
      if (!out.overflow()) process.add_session_record(template_id, out.written());
    }
  }
  return true;
}

}  // namespace ipfix
