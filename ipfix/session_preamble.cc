#include "ipfix/session_preamble.h"

#include <algorithm>
#include <utility>

namespace ipfix {

SessionPreamble::SessionPreamble(std::uint32_t observation_domain, std::size_t max_message_octets)
    : observation_domain_(observation_domain), max_message_octets_(max_message_octets) {}

bool SessionPreamble::add_template(Template definition) {
  const bool well_formed = definition.id >= first_data_set_id && !definition.fields.empty() &&
                           definition.scope_fields <= definition.fields.size();
  if (!well_formed || has_template(definition.id)) return false;
  if (!MessageWriter(observation_domain_, max_message_octets_).add_template(definition)) return false;
  parts_.push_back({std::move(definition), {}});
  return true;
}

bool SessionPreamble::add_record(std::uint16_t template_id, std::span<const std::uint8_t> record) {
  const std::size_t max_record_octets = MessageWriter(observation_domain_, max_message_octets_).max_record_octets();
  if (record.empty() || record.size() > max_record_octets || !has_template(template_id)) return false;
  parts_.push_back({Template{template_id, 0, {}}, {record.begin(), record.end()}});
  return true;
}

const Template* SessionPreamble::find_template(std::uint16_t id) const {
  const auto found = std::find_if(parts_.begin(), parts_.end(),
                                  [id](const Part& part) { return part.record.empty() && part.definition.id == id; });
  return found == parts_.end() ? nullptr : &found->definition;
}

void SessionPreamble::for_each_template(const std::function<void(const Template& definition)>& visit) const {
  for (const Part& part : parts_) {
    if (part.record.empty()) visit(part.definition);
  }
}

std::optional<std::uint16_t> SessionPreamble::find_same(const Template& definition) const {
  const auto found = std::ranges::find_if(parts_, [&](const Part& part) {
    return part.record.empty() && part.definition.scope_fields == definition.scope_fields &&
           part.definition.fields == definition.fields;
  });
  return found == parts_.end() ? std::nullopt : std::optional(found->definition.id);
}

std::vector<Message> SessionPreamble::messages(std::size_t first_part) const {
  std::vector<Message> messages;
  MessageWriter writer(observation_domain_, max_message_octets_);
  const auto write = [&](const Part& part) {
    return part.record.empty() ? writer.add_template(part.definition)
                               : writer.add_record(part.definition.id, part.record);
  };
  for (std::size_t i = first_part; i < parts_.size(); ++i) {
    if (write(parts_[i])) continue;
    messages.push_back(writer.take());
    write(parts_[i]);
  }
  if (!writer.empty()) messages.push_back(writer.take());
  return messages;
}

}  // namespace ipfix
