#include "ipfix/flow_keys.h"

#include <algorithm>
#include <array>

#include "ipfix/record_writer.h"

namespace ipfix {

Template flow_keys_template(std::uint16_t id) {
  constexpr std::uint16_t scope_fields = 1;
  return {id, scope_fields, {{0, 145, 2}, {0, 173, 8}}};  // templateId, flowKeyIndicator
}

bool add_flow_keys(ExportingProcess& process, std::uint16_t template_id, std::span<const Template> described,
                   const std::function<bool(const FieldSpecifier&)>& is_key) {
  if (!process.add_template(flow_keys_template(template_id))) return false;
  for (const Template& definition : described) {
    std::uint64_t keys = 0;  // the least significant bit is the first field's
    for (std::size_t i = 0; i < std::min<std::size_t>(definition.fields.size(), 64); ++i) {
      if (is_key(definition.fields[i])) keys |= std::uint64_t{1} << i;
    }
    std::array<std::uint8_t, 10> buffer;
    RecordWriter out(buffer);
    out.u16(definition.id);
    out.u64(keys);
    process.add_session_record(template_id, out.written());
  }
  return true;
}

}  // namespace ipfix
