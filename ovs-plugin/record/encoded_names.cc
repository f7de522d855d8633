#include "ovs-plugin/record/encoded_names.h"

#include "ipfix/record_writer.h"

namespace ofe::record {
namespace {

void append(std::vector<std::uint8_t>& octets, const std::string& name) {
  constexpr std::size_t longest_prefix = 3;
  const std::size_t before = octets.size();
  octets.resize(before + longest_prefix + name.size());
  ipfix::RecordWriter out({octets.data() + before, octets.size() - before});
  out.string(name);
  // A name that no string can hold makes the record as long as itself, which no record can be.
  if (!out.overflow()) octets.resize(before + out.written().size());
}

}  // namespace

EncodedNames::EncodedNames() : EncodedNames(Names{}) {}

EncodedNames::EncodedNames(const Names& names) : service_address_(names.service_address), ends_(names.ends) {
  for (const NameField& field : endpoint_names) append(octets_, names.*field.value);
  endpoints_octets_ = octets_.size();
  append(octets_, names.service_port_name);
  octets_.shrink_to_fit();
}

}  // namespace ofe::record
