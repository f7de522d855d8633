// Templates as a collecting process keeps them: resolved to elements, per transport session and observation domain
// (RFC 7011 section 8).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "ipfix/element.h"
#include "ipfix/finding.h"
#include "ipfix/message_reader.h"
#include "ipfix/template.h"

namespace ipfix {

struct CollectedField {
  FieldSpecifier specifier;
  const Element* element = nullptr;       // nullptr: unknown
  DataType type = DataType::octet_array;  // the element's, or octet_array when unknown or not fitting the length
  bool first_of_name = true;
  std::int32_t next_of_name = -1;  // the next field with the same name, -1: none (RFC 7011 section 8: in order)
};

// "enterprise55829_108" when the element is unknown.
std::string field_name(const FieldSpecifier& specifier, const Element* element);

// How a record is cut: fields of fixed lengths, then one of variable length unless the record ends.
struct FieldRun {
  std::uint32_t fields = 0;  // of fixed length
  std::uint32_t octets = 0;  // of them together
};

struct CollectedTemplate {
  std::uint16_t id = 0;
  std::uint16_t scope_fields = 0;  // > 0: an Options Template
  std::vector<CollectedField> fields;
  std::size_t min_record_octets = 0;
  bool fixed_size = true;  // every record takes min_record_octets
  bool has_lists = false;
  bool values_need_check = false;  // a variable-length value can be illegal: lists, and types with lengths of their own
  std::vector<FieldRun> runs;      // the last one ends the record, all others a variable-length field
  std::int64_t last_received_ms = 0;    // monotonic
  std::int64_t longest_refresh_ms = 0;  // 0: not yet repeated

  bool same_definition(const TemplateRecord& record) const;
};

// Where names and types come from: a registry, plus what type records taught in this session.
class ElementSource {
 public:
  virtual ~ElementSource() = default;
  // learned: by a type record, hence not to be trusted with the structure of a message.
  virtual const Element* find_element(std::uint32_t enterprise, std::uint16_t id, bool& learned) const = 0;
  virtual std::uint64_t generation() const = 0;  // changes whenever an answer may have
};

// Fills in elements, types and sizes; field_length_illegal when a known element cannot have its length.
Finding resolve(const TemplateRecord& record, const ElementSource& elements, CollectedTemplate& resolved);
// Fills in first_of_name and next_of_name, which writers of records need and checks do not.
void link_repeated_names(CollectedTemplate& definition);
// Elements and names again, after the source's generation changed.
void resolve_again(CollectedTemplate& definition, const ElementSource& elements);

class TemplateSource {
 public:
  virtual ~TemplateSource() = default;
  virtual const CollectedTemplate* find_template(std::uint16_t id) const = 0;
  virtual const ElementSource& elements() const = 0;
};

// The templates of one domain, or changes staged on top of them: a message is checked against its own templates before
// any of it takes effect.
class TemplateTable : public TemplateSource {
 public:
  explicit TemplateTable(const ElementSource& elements) : elements_(elements) {}
  explicit TemplateTable(const TemplateTable& below) : elements_(below.elements_), below_(&below) {}
  TemplateTable& operator=(const TemplateTable&) = delete;

  const CollectedTemplate* find_template(std::uint16_t id) const override;
  const ElementSource& elements() const override { return elements_; }

  void define(CollectedTemplate definition);
  bool withdraw(std::uint16_t id);  // false: there was none
  void withdraw_all(bool options);

  // Elements again, if they changed since the last time.
  void resolve_all();
  // Removes templates whose refresh is overdue: three times the longest refresh interval seen, and at least
  // min_lifetime (RFC 7011 section 8.4). One that was never refreshed tells no interval and stays. Returns how many
  // went.
  std::size_t expire(std::int64_t now_ms, std::int64_t min_lifetime_ms);
  // Notes a repetition.
  void refreshed(std::uint16_t id, std::int64_t now_ms);

  std::size_t size() const { return own_.size(); }
  std::size_t fields() const { return fields_; }

 private:
  const ElementSource& elements_;
  const TemplateTable* below_ = nullptr;
  std::unordered_map<std::uint16_t, std::optional<CollectedTemplate>> own_;  // nullopt: withdrawn, hides what is below
  bool all_withdrawn_[2] = {false, false};  // hides what is below: Templates, Options Templates
  std::size_t fields_ = 0;                  // of all templates in own_
  std::uint64_t resolved_generation_ = 0;
};

}  // namespace ipfix
