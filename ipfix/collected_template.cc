#include "ipfix/collected_template.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "ipfix/value.h"

namespace ipfix {
namespace {

void assign_elements(CollectedTemplate& definition, const ElementSource& elements) {
  definition.has_lists = false;
  definition.values_need_check = false;
  for (CollectedField& field : definition.fields) {
    bool learned = false;
    field.element = elements.find_element(field.specifier.enterprise, field.specifier.id, learned);
    const bool usable = field.element != nullptr && legal_field_length(field.element->type, field.specifier.length);
    field.type = usable ? field.element->type : DataType::octet_array;
    if (is_list(field.type)) definition.has_lists = true;
    const bool any_length = field.type == DataType::octet_array || field.type == DataType::string;
    if (field.specifier.length == variable_length && !any_length) definition.values_need_check = true;
  }
}

void add_to_runs(std::vector<FieldRun>& runs, std::uint16_t length) {
  if (length == variable_length) {
    runs.emplace_back();
    return;
  }
  ++runs.back().fields;
  runs.back().octets += length;
}

}  // namespace

void link_repeated_names(CollectedTemplate& definition) {
  std::unordered_map<std::string, std::size_t> last_of_name;
  last_of_name.reserve(definition.fields.size());
  for (std::size_t i = 0; i < definition.fields.size(); ++i) {
    CollectedField& field = definition.fields[i];
    const auto [found, is_new] = last_of_name.try_emplace(field_name(field.specifier, field.element), i);
    field.first_of_name = is_new;
    field.next_of_name = -1;
    if (!is_new) definition.fields[found->second].next_of_name = static_cast<std::int32_t>(i);
    found->second = i;
  }
}

std::string field_name(const FieldSpecifier& specifier, const Element* element) {
  if (element != nullptr) return element->name;
  return "enterprise" + std::to_string(specifier.enterprise) + "_" + std::to_string(specifier.id);
}

bool CollectedTemplate::same_definition(const TemplateRecord& record) const {
  const auto same = [](const CollectedField& field, const FieldSpecifier& other) { return field.specifier == other; };
  return scope_fields == record.definition.scope_fields &&
         std::equal(fields.begin(), fields.end(), record.definition.fields.begin(), record.definition.fields.end(),
                    same);
}

void resolve_again(CollectedTemplate& definition, const ElementSource& elements) {
  assign_elements(definition, elements);
  link_repeated_names(definition);
}

Finding resolve(const TemplateRecord& record, const ElementSource& elements, CollectedTemplate& resolved) {
  resolved = {};
  resolved.id = record.definition.id;
  resolved.scope_fields = record.definition.scope_fields;
  resolved.fields.reserve(record.definition.fields.size());
  resolved.runs.emplace_back();
  for (const FieldSpecifier& specifier : record.definition.fields) {
    bool learned = false;
    const Element* element = elements.find_element(specifier.enterprise, specifier.id, learned);
    if (element != nullptr && !learned && !legal_field_length(element->type, specifier.length)) {
      return Finding::field_length_illegal;
    }
    const bool variable = specifier.length == variable_length;
    resolved.min_record_octets += variable ? 1 : specifier.length;
    if (variable) resolved.fixed_size = false;
    add_to_runs(resolved.runs, specifier.length);
    resolved.fields.push_back({.specifier = specifier});
  }
  assign_elements(resolved, elements);
  return Finding::none;
}

const CollectedTemplate* TemplateTable::find_template(std::uint16_t id) const {
  const auto own = own_.find(id);
  if (own != own_.end()) return own->second.has_value() ? &*own->second : nullptr;
  const CollectedTemplate* found = below_ == nullptr ? nullptr : below_->find_template(id);
  if (found != nullptr && all_withdrawn_[found->scope_fields > 0 ? 1 : 0]) return nullptr;
  return found;
}

void TemplateTable::define(CollectedTemplate definition) {
  std::optional<CollectedTemplate>& slot = own_[definition.id];
  if (slot.has_value()) fields_ -= slot->fields.size();
  fields_ += definition.fields.size();
  slot = std::move(definition);
}

bool TemplateTable::withdraw(std::uint16_t id) {
  const bool known = find_template(id) != nullptr;
  if (const auto own = own_.find(id); own != own_.end() && own->second.has_value()) {
    fields_ -= own->second->fields.size();
  }
  if (below_ == nullptr) {
    own_.erase(id);
  } else {
    own_[id] = std::nullopt;
  }
  return known;
}

void TemplateTable::withdraw_all(bool options) {
  for (auto entry = own_.begin(); entry != own_.end();) {
    std::optional<CollectedTemplate>& definition = entry->second;
    if (!definition.has_value() || (definition->scope_fields > 0) != options) {
      ++entry;
      continue;
    }
    fields_ -= definition->fields.size();
    definition.reset();
    entry = below_ == nullptr ? own_.erase(entry) : std::next(entry);
  }
  all_withdrawn_[options ? 1 : 0] = true;
}

void TemplateTable::resolve_all() {
  if (resolved_generation_ == elements_.generation()) return;
  for (auto& [id, definition] : own_) {
    if (definition.has_value()) resolve_again(*definition, elements_);
  }
  resolved_generation_ = elements_.generation();
}

std::size_t TemplateTable::expire(std::int64_t now_ms, std::int64_t min_lifetime_ms) {
  return std::erase_if(own_, [&](const auto& entry) {
    const std::optional<CollectedTemplate>& definition = entry.second;
    if (!definition.has_value() || definition->longest_refresh_ms == 0) return false;
    const std::int64_t lifetime_ms = std::max(min_lifetime_ms, 3 * definition->longest_refresh_ms);
    if (now_ms - definition->last_received_ms <= lifetime_ms) return false;
    fields_ -= definition->fields.size();
    return true;
  });
}

void TemplateTable::refreshed(std::uint16_t id, std::int64_t now_ms) {
  const auto own = own_.find(id);
  if (own == own_.end() || !own->second.has_value()) return;
  CollectedTemplate& definition = *own->second;
  definition.longest_refresh_ms = std::max(definition.longest_refresh_ms, now_ms - definition.last_received_ms);
  definition.last_received_ms = now_ms;
}

}  // namespace ipfix
