#include "ovs-plugin/record/layout.h"

#include "ovs-plugin/record/extra_elements.h"

namespace ofe::record {

Layout::Layout(Profile profile, const std::vector<std::string>& extra_elements) : profile_(profile) {
  for (const std::string& name : extra_elements) {
    if (const Field* field = extra_element(name)) extra_.push_back(field);
  }
}

std::vector<ipfix::Template> Layout::templates() const {
  std::vector<ipfix::Template> all;
  for (const std::uint16_t id : flow_templates) {
    std::vector<Field> rows;
    for (const Field& field : fields(profile_, id)) rows.push_back(field);
    for (const Field* field : extra_) rows.push_back(*field);
    all.push_back(template_from<Source>(id, profile_, rows));
  }
  for (const std::uint16_t id : denied_templates) {
    all.push_back(template_from<DeniedSource>(id, profile_, denied_fields(profile_, id)));
  }
  return all;
}

void Layout::encode(const Source& from, ipfix::RecordWriter& out) const {
  record::encode(from, out, profile_);
  for (const Field* field : extra_) field->put(out, from);
}

void Layout::encode(const DeniedSource& from, ipfix::RecordWriter& out) const {
  record::encode(from, out, profile_);
}

}  // namespace ofe::record
