#include "ipfix/element.h"

#include <algorithm>
#include <array>
#include <utility>

#include "ipfix/elements/builtin.h"

namespace ipfix {
namespace {

struct TypeEntry {
  std::string_view name;
  std::uint16_t length;
};

// By the number of the type.
constexpr std::array<TypeEntry, 24> types = {{
    {"octetArray", variable_length},
    {"unsigned8", 1},
    {"unsigned16", 2},
    {"unsigned32", 4},
    {"unsigned64", 8},
    {"signed8", 1},
    {"signed16", 2},
    {"signed32", 4},
    {"signed64", 8},
    {"float32", 4},
    {"float64", 8},
    {"boolean", 1},
    {"macAddress", 6},
    {"string", variable_length},
    {"dateTimeSeconds", 4},
    {"dateTimeMilliseconds", 8},
    {"dateTimeMicroseconds", 8},
    {"dateTimeNanoseconds", 8},
    {"ipv4Address", 4},
    {"ipv6Address", 16},
    {"basicList", variable_length},
    {"subTemplateList", variable_length},
    {"subTemplateMultiList", variable_length},
    {"unsigned256", 32},
}};

// RFC 5103 section 6.1: elements that describe not the flow but who observed and exported it have no reverse. They are
// RFC 5102's identifiers (5.1), process configuration (5.2) and process statistics (5.3), then paddingOctets (210) and
// biflowDirection (239).
constexpr std::array<std::uint16_t, 32> not_reversible = {10,  14,  40,  41,  42,  130, 131, 137, 138, 141, 142,
                                                          143, 144, 145, 148, 149, 163, 164, 165, 166, 167, 168,
                                                          173, 210, 211, 212, 213, 214, 215, 216, 217, 239};

std::uint64_t key_of(std::uint32_t enterprise, std::uint16_t id) {
  return (std::uint64_t{enterprise} << 16) | id;
}

std::string reverse_name(std::string_view name) {
  std::string reversed = "reverse";
  reversed += name;
  char& first = reversed[7];
  if (first >= 'a' && first <= 'z') first = static_cast<char>(first - 'a' + 'A');
  return reversed;
}

Registry make_builtin() {
  Registry registry;
  for (const BuiltinElement& row : builtin_elements()) {
    registry.add({row.enterprise, row.id, row.name, row.type, row.semantics, row.units});
  }
  return registry;
}

}  // namespace

std::uint16_t natural_length(DataType type) {
  const auto number = static_cast<std::size_t>(type);
  return number < types.size() ? types[number].length : variable_length;
}

std::optional<DataType> data_type_by_name(std::string_view name) {
  const auto* const found =
      std::find_if(types.begin(), types.end(), [&](const TypeEntry& t) { return t.name == name; });
  if (found == types.end()) return std::nullopt;
  return static_cast<DataType>(found - types.begin());
}

std::string_view to_string(DataType type) {
  const auto number = static_cast<std::size_t>(type);
  return number < types.size() ? types[number].name : "unknown";
}

const Registry& Registry::builtin() {
  static const Registry registry = make_builtin();
  return registry;
}

void Registry::add(Element element) {
  const bool reversible = element.enterprise == 0 && !element.name.empty() &&
                          !std::binary_search(not_reversible.begin(), not_reversible.end(), element.id);
  if (reversible) {
    add_one(
        {reverse_enterprise, element.id, reverse_name(element.name), element.type, element.semantics, element.units});
  }
  add_one(std::move(element));
}

void Registry::add_one(Element element) {
  const std::uint64_t key = key_of(element.enterprise, element.id);
  if (const auto old = by_number_.find(key); old != by_number_.end() && old->second.name != element.name) {
    forget_name(old->second);
  }
  const auto [named, is_new] = by_name_.try_emplace(element.name, key);
  if (!is_new && element.enterprise == 0) named->second = key;
  by_number_.insert_or_assign(key, std::move(element));
}

// The name of an element about to be replaced goes to another element that has it, if there is one.
void Registry::forget_name(const Element& element) {
  const std::uint64_t key = key_of(element.enterprise, element.id);
  const auto named = by_name_.find(element.name);
  if (named == by_name_.end() || named->second != key) return;
  std::optional<std::uint64_t> heir;
  for (const auto& [other_key, other] : by_number_) {
    if (other_key != key && other.name == element.name) heir = heir ? std::min(*heir, other_key) : other_key;
  }
  if (heir) {
    named->second = *heir;
  } else {
    by_name_.erase(named);
  }
}

const Element* Registry::find(std::uint32_t enterprise, std::uint16_t id) const {
  const auto found = by_number_.find(key_of(enterprise, id));
  return found == by_number_.end() ? nullptr : &found->second;
}

const Element* Registry::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr
                                 : find(static_cast<std::uint32_t>(found->second >> 16),
                                        static_cast<std::uint16_t>(found->second & 0xFFFF));
}

const Element* Registry::find(std::uint32_t enterprise, std::string_view name) const {
  const auto found = std::ranges::find_if(by_number_, [&](const auto& entry) {
    return entry.second.enterprise == enterprise && entry.second.name == name;
  });
  return found == by_number_.end() ? nullptr : &found->second;
}

std::vector<const Element*> Registry::all() const {
  std::vector<const Element*> elements;
  elements.reserve(by_number_.size());
  for (const auto& [key, element] : by_number_) elements.push_back(&element);
  std::sort(elements.begin(), elements.end(), [](const Element* a, const Element* b) {
    return key_of(a->enterprise, a->id) < key_of(b->enterprise, b->id);
  });
  return elements;
}

}  // namespace ipfix
