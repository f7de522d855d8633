#include "ipfix/collecting_session.h"

#include <utility>

namespace ipfix {
namespace {

constexpr std::int64_t expiry_check_interval_ms = 10'000;

}  // namespace

CollectingSession::CollectingSession(std::string peer, SessionKind kind, const Registry& registry,
                                     const CollectingLimits& limits, const CollectingHandlers& handlers,
                                     CollectingStats& stats)
    : peer_(std::move(peer)),
      kind_(kind),
      limits_(limits),
      handlers_(handlers),
      stats_(stats),
      elements_(registry, limits.learned_elements_per_session) {}

void CollectingSession::report(Finding finding, std::size_t offset, std::uint64_t amount, std::uint16_t template_id) {
  ++stats_.findings[static_cast<std::size_t>(finding)];
  if (handlers_.finding)
    handlers_.finding({finding, peer_, current_domain_, current_message_offset_, offset, amount, template_id});
}

void CollectingSession::report_broken_stream(Finding finding, std::uint64_t message_offset) {
  current_message_offset_ = message_offset;
  ++stats_.malformed_messages;
  report(finding);
}

Finding CollectingSession::receive(Octets message, std::int64_t now_ms, std::uint64_t message_offset) {
  last_received_ms_ = now_ms;
  current_message_offset_ = message_offset;
  MessageHeader header;
  std::size_t offset = 0;
  Finding finding = read_header(message, header);
  current_domain_ = header.observation_domain;
  auto domain = domains_.find(header.observation_domain);
  if (finding == Finding::none) {
    if (domain != domains_.end()) {
      TemplateTable& templates = domain->second.templates;
      templates.resolve_all();
      if (kind_ == SessionKind::datagram && now_ms >= domain->second.next_expiry_check_ms) {
        domain->second.next_expiry_check_ms = now_ms + expiry_check_interval_ms;
        const std::size_t expired = templates.expire(now_ms, limits_.min_template_lifetime_ms);
        if (expired > 0) report(Finding::template_expired, 0, expired);
      }
      finding = check(message, templates, offset);
    } else {
      finding = check(message, TemplateTable(elements_), offset);
    }
  }
  if (finding != Finding::none) {
    ++stats_.malformed_messages;
    report(finding, offset);
    return finding;
  }
  ++stats_.messages;
  stats_.octets += message.size();
  if (domain == domains_.end()) {
    if (domains_.size() >= limits_.domains_per_session) {
      report(Finding::domain_refused);
      return Finding::none;
    }
    domain = domains_.try_emplace(header.observation_domain, elements_).first;
  }
  Delivery delivery{header, domain->second, now_ms};
  deliver(message, delivery);
  learn_taught();
  return Finding::none;
}

Finding CollectingSession::check(Octets message, const TemplateTable& current, std::size_t& offset) const {
  TemplateTable staged(current);
  ValueBudget budget = fresh_budget();
  SetReader sets(message);
  Set set;
  while (sets.next(set)) {
    offset = set.offset;
    if (set.body.empty()) return Finding::set_without_record;
    Finding finding = Finding::none;
    if (set.id == template_set_id || set.id == options_template_set_id) {
      finding = check_template_set(set, staged);
    } else if (const CollectedTemplate* definition = staged.find_template(set.id)) {
      std::size_t records = 0;
      finding = check_records(*definition, set.body, staged, budget, records);
      if (finding == Finding::none && records == 0) finding = Finding::set_without_record;
    }
    if (finding != Finding::none) return finding;
  }
  offset = sets.offset();
  return sets.finding();
}

Finding CollectingSession::check_template_set(const Set& set, TemplateTable& staged) const {
  const bool is_datagram = kind_ == SessionKind::datagram;
  TemplateSetReader reader(set);
  TemplateRecord record;
  while (reader.next(record)) {
    const CollectedTemplate* present = staged.find_template(record.definition.id);
    if (record.is_withdrawal()) {
      if (is_datagram) continue;
      if (record.withdraws_all()) {
        staged.withdraw_all(record.options);
        continue;
      }
      if (present != nullptr && (present->scope_fields > 0) != record.options) return Finding::withdrawal_in_wrong_set;
      staged.withdraw(record.definition.id);
      continue;
    }
    if (present != nullptr && present->same_definition(record)) continue;
    if (present != nullptr && kind_ == SessionKind::stream) return Finding::template_redefined;
    CollectedTemplate resolved;
    const Finding finding = resolve(record, elements_, resolved);
    if (finding != Finding::none) return finding;
    staged.define(std::move(resolved));
  }
  return reader.finding();
}

void CollectingSession::deliver(Octets message, Delivery& delivery) {
  std::uint32_t missing = 0;
  const Finding order =
      delivery.domain.sequence.message(delivery.header.sequence, delivery.header.export_time, missing);
  if (order != Finding::none) {
    stats_.records_missing += missing;
    report(order, 0, missing == 0 ? 1 : missing);
  }
  SetReader sets(message);
  Set set;
  while (sets.next(set)) {
    if (set.id == template_set_id || set.id == options_template_set_id) {
      deliver_template_set(set, delivery);
    } else if (set.id >= first_data_set_id) {
      deliver_data_set(set, delivery);
    } else {
      report(Finding::set_id_unknown, set.offset);
    }
  }
  delivery.domain.sequence.carried(delivery.records, delivery.countable);
  if (order == Finding::message_out_of_order) stats_.records_late += delivery.records;
}

void CollectingSession::deliver_template_set(const Set& set, Delivery& delivery) {
  TemplateSetReader reader(set);
  TemplateRecord record;
  while (reader.next(record)) {
    if (record.is_withdrawal()) {
      take_withdrawal(record, set.offset, delivery);
    } else {
      take_definition(record, set.offset, delivery);
    }
  }
}

void CollectingSession::take_withdrawal(const TemplateRecord& record, std::size_t offset, Delivery& delivery) {
  if (kind_ == SessionKind::datagram) return report(Finding::withdrawal_ignored, offset);
  if (record.withdraws_all()) return delivery.domain.templates.withdraw_all(record.options);
  if (!delivery.domain.templates.withdraw(record.definition.id)) report(Finding::withdrawal_ignored, offset);
}

void CollectingSession::take_definition(const TemplateRecord& record, std::size_t offset, Delivery& delivery) {
  TemplateTable& templates = delivery.domain.templates;
  const CollectedTemplate* present = templates.find_template(record.definition.id);
  if (present != nullptr && present->same_definition(record)) {
    templates.refreshed(record.definition.id, delivery.now_ms);
    ++stats_.templates;
    return report(Finding::template_repeated, offset);
  }
  if (present != nullptr) {
    report(kind_ == SessionKind::datagram ? Finding::template_replaced : Finding::template_redefined, offset);
  }
  if (!has_room(delivery.domain, present, record.definition)) {
    templates.withdraw(record.definition.id);  // the old definition would decode the new one's data
    return report(Finding::template_refused, offset, 1, record.definition.id);
  }
  CollectedTemplate resolved;
  resolve(record, elements_, resolved);  // was checked
  link_repeated_names(resolved);
  resolved.last_received_ms = delivery.now_ms;
  for (const CollectedField& field : resolved.fields) {
    stats_.unknown_elements += field.element == nullptr;
    stats_.repeated_elements += !field.first_of_name;
  }
  templates.define(std::move(resolved));
  ++stats_.templates;
  release_held(*templates.find_template(record.definition.id), delivery.domain, delivery.header.observation_domain);
}

bool CollectingSession::has_room(const Domain& domain, const CollectedTemplate* replaced,
                                 const Template& definition) const {
  if (definition.fields.size() > limits_.fields_per_template) return false;
  if (replaced == nullptr && domain.templates.size() >= limits_.templates_per_domain) return false;
  std::size_t fields = definition.fields.size();
  for (const auto& [id, other] : domains_) fields += other.templates.fields();
  if (replaced != nullptr) fields -= replaced->fields.size();
  return fields <= limits_.template_fields_per_session;
}

}  // namespace ipfix
