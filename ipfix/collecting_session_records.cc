// The Data Records of a session: delivery, sets that wait for their template, and what options records tell about other
// records.
#include <algorithm>
#include <utility>

#include "ipfix/collecting_session.h"

namespace ipfix {
namespace {

// RFC 7011 section 4.4.
constexpr std::uint16_t template_id_element = 145;
constexpr std::uint16_t flow_key_indicator_element = 173;

}  // namespace

void CollectingSession::deliver_data_set(const Set& set, Delivery& delivery) {
  const CollectedTemplate* definition = delivery.domain.templates.find_template(set.id);
  if (definition == nullptr) {
    delivery.countable = false;
    return hold(set, delivery);
  }
  delivery.records += deliver_records(delivery.header, *definition, set, delivery.domain);
}

std::uint32_t CollectingSession::deliver_records(const MessageHeader& header, const CollectedTemplate& definition,
                                                 const Set& set, const Domain& domain) {
  const bool has_types = describes_elements(definition);
  std::uint32_t records = 0;
  RecordReader reader(definition, set.body);
  Values values;
  while (reader.next(values)) {
    ++records;
    if (handlers_.record) handlers_.record({peer_, header, definition, values, domain.templates});
    if (definition.scope_fields == 0) continue;
    ++stats_.options_records;
    check_flow_keys(definition, values, domain, set.offset);
    if (!has_types) continue;
    Element element;
    if (read_type_record(definition, values, element)) {
      taught_.push_back(std::move(element));
    } else {
      report(Finding::type_record_ignored, set.offset);
    }
  }
  stats_.records += records;
  const Octets padding = reader.rest();
  stats_.padding_octets += padding.size();
  if (std::any_of(padding.begin(), padding.end(), [](std::uint8_t octet) { return octet != 0; })) {
    report(Finding::padding_not_zero, set.offset);
  }
  return records;
}

void CollectingSession::check_flow_keys(const CollectedTemplate& definition, const Values& values, const Domain& domain,
                                        std::size_t offset) {
  const Octets* template_id = nullptr;
  const Octets* flow_keys = nullptr;
  for (std::size_t i = 0; i < definition.fields.size(); ++i) {
    const FieldSpecifier& specifier = definition.fields[i].specifier;
    if (specifier.enterprise != 0) continue;
    if (specifier.id == template_id_element) template_id = &values[i];
    if (specifier.id == flow_key_indicator_element) flow_keys = &values[i];
  }
  if (template_id == nullptr || flow_keys == nullptr) return;
  const auto* described = domain.templates.find_template(static_cast<std::uint16_t>(big_endian(*template_id)));
  const std::uint64_t keys = big_endian(*flow_keys);
  const bool fits = described != nullptr && (described->fields.size() >= 64 || keys >> described->fields.size() == 0);
  if (!fits) report(Finding::flow_key_ignored, offset);
}

void CollectingSession::learn_taught() {
  for (Element& element : taught_) {
    if (!elements_.learn(std::move(element))) report(Finding::type_record_ignored);
  }
  taught_.clear();
}

void CollectingSession::hold(const Set& set, Delivery& delivery) {
  const std::size_t octets = set.body.size() + sizeof(HeldSet);
  if (octets > limits_.held_octets_per_session) return report(Finding::held_data_set_dropped, set.offset, 1, set.id);
  while (held_octets_ + octets > limits_.held_octets_per_session) {
    held_octets_ -= held_.front().body.size() + sizeof(HeldSet);
    const std::uint16_t dropped = held_.front().template_id;
    held_.pop_front();
    report(Finding::held_data_set_dropped, 0, 1, dropped);
  }
  held_.push_back({delivery.header.observation_domain, set.id, delivery.header, {set.body.begin(), set.body.end()}});
  held_octets_ += octets;
  report(Finding::data_set_held, set.offset, 1, set.id);
}

void CollectingSession::release_held(const CollectedTemplate& definition, const Domain& domain,
                                     std::uint32_t domain_id) {
  for (auto held = held_.begin(); held != held_.end();) {
    if (held->template_id != definition.id || held->domain != domain_id) {
      ++held;
      continue;
    }
    ValueBudget budget = fresh_budget();
    std::size_t records = 0;
    const Finding finding = check_records(definition, held->body, domain.templates, budget, records);
    if (finding == Finding::none && records > 0) {
      deliver_records(held->header, definition, {held->template_id, held->body, 0}, domain);
    } else {
      report(Finding::held_data_set_undecodable, 0, 1, definition.id);
    }
    held_octets_ -= held->body.size() + sizeof(HeldSet);
    held = held_.erase(held);
  }
}

void CollectingSession::finish() {
  for (const HeldSet& held : held_) {
    current_domain_ = held.domain;
    report(Finding::held_data_set_dropped, 0, 1, held.template_id);
  }
  held_.clear();
  held_octets_ = 0;
}

}  // namespace ipfix
