#include "ipfix/session_elements.h"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <utility>

namespace ipfix {
namespace {

// RFC 5610 section 3.9.
constexpr std::uint16_t private_enterprise_number = 346;
constexpr std::uint16_t information_element_id = 303;
constexpr std::uint16_t information_element_data_type = 339;
constexpr std::uint16_t information_element_name = 341;

constexpr std::size_t max_name_octets = 128;

std::uint64_t key_of(std::uint32_t enterprise, std::uint16_t id) {
  return std::uint64_t{enterprise} << 16 | id;
}

// A name becomes a key of every record: letters and digits (RFC 7012 section 2.3), as other exporters use them, and
// nothing that an unknown element's key looks like.
bool usable_name(const std::string& name) {
  if (name.empty() || name.size() > max_name_octets) return false;
  if (std::isalpha(static_cast<unsigned char>(name.front())) == 0) return false;
  if (name.starts_with("enterprise") && name.find('_') != std::string::npos) return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-'; });
}

const CollectedField* iana_field(const CollectedTemplate& definition, std::uint16_t id, std::size_t& index) {
  for (index = 0; index < definition.fields.size(); ++index) {
    const FieldSpecifier& specifier = definition.fields[index].specifier;
    if (specifier.enterprise == 0 && specifier.id == id) return &definition.fields[index];
  }
  return nullptr;
}

}  // namespace

const Element* SessionElements::find_element(std::uint32_t enterprise, std::uint16_t id, bool& learned) const {
  learned = false;
  if (const Element* known = registry_.find(enterprise, id)) return known;
  const auto found = learned_.find(key_of(enterprise, id));
  if (found == learned_.end()) return nullptr;
  learned = true;
  return &found->second;
}

bool SessionElements::learn(Element element) {
  if (const Element* known = registry_.find(element.enterprise, element.id)) {
    return known->name == element.name && known->type == element.type;
  }
  // IANA's elements and their reverse ones are defined by IANA alone.
  if (element.enterprise == 0 || element.enterprise == reverse_enterprise) return false;
  const std::uint64_t key = key_of(element.enterprise, element.id);
  if (const auto found = learned_.find(key); found != learned_.end()) {
    return found->second.name == element.name && found->second.type == element.type;
  }
  if (learned_.size() >= max_learned_ || !usable_name(element.name)) return false;
  // A name may recur in another enterprise, but always means one type: readers of the records rely on it.
  const Element* namesake = registry_.find(std::string_view(element.name));
  if (namesake != nullptr && namesake->type != element.type) return false;
  if (names_.try_emplace(element.name, element.type).first->second != element.type) return false;
  learned_.emplace(key, std::move(element));
  ++generation_;
  return true;
}

bool describes_elements(const CollectedTemplate& definition) {
  if (definition.scope_fields == 0) return false;
  std::size_t index = 0;
  for (const std::uint16_t id :
       {private_enterprise_number, information_element_id, information_element_data_type, information_element_name}) {
    if (iana_field(definition, id, index) == nullptr) return false;
  }
  return true;
}

bool read_type_record(const CollectedTemplate& definition, const Values& values, Element& element) {
  std::size_t index = 0;
  const auto number = [&](std::uint16_t id) {
    iana_field(definition, id, index);
    return values[index].size() <= 8 ? big_endian(values[index]) : UINT64_MAX;
  };
  const std::uint64_t enterprise = number(private_enterprise_number);
  const std::uint64_t id = number(information_element_id);
  const std::uint64_t type = number(information_element_data_type);
  if (enterprise > UINT32_MAX || id > UINT16_MAX || type > static_cast<std::uint64_t>(DataType::unsigned256)) {
    return false;
  }
  element.enterprise = static_cast<std::uint32_t>(enterprise);
  element.id = static_cast<std::uint16_t>(id & 0x7fff);
  element.type = static_cast<DataType>(type);
  iana_field(definition, information_element_name, index);
  element.name.assign(reinterpret_cast<const char*>(values[index].data()), values[index].size());
  return true;
}

}  // namespace ipfix
