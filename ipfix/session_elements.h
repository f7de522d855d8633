// The elements of one transport session: a registry, plus what the exporter's type records taught (RFC 5610). What one
// exporter says stays in its session and never overrides what is known.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "ipfix/collected_template.h"
#include "ipfix/data_record.h"
#include "ipfix/element.h"

namespace ipfix {

class SessionElements : public ElementSource {
 public:
  SessionElements(const Registry& registry, std::size_t max_learned) : registry_(registry), max_learned_(max_learned) {}

  const Element* find_element(std::uint32_t enterprise, std::uint16_t id, bool& learned) const override;
  std::uint64_t generation() const override { return generation_; }

  // True when it was learned or already known just so.
  bool learn(Element element);
  std::size_t learned() const { return learned_.size(); }

 private:
  const Registry& registry_;
  std::size_t max_learned_;
  std::unordered_map<std::uint64_t, Element> learned_;
  std::unordered_map<std::string, DataType> names_;  // of learned_
  std::uint64_t generation_ = 0;
};

// Whether this Options Template describes type records.
bool describes_elements(const CollectedTemplate& definition);
// False: its values are out of range.
bool read_type_record(const CollectedTemplate& definition, const Values& values, Element& element);

}  // namespace ipfix
