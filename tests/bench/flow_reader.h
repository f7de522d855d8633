// A collector's program around the collecting session: each record's values into a struct, by the names of its fields.
#pragma once

#include <bit>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "ipfix/collecting_session.h"
#include "tests/bench/flow_values.h"

namespace bench {

class FlowReader {
 public:
  void read(const ipfix::DataRecord& record, FlowValues& values) {
    if (&record.definition != definition_) learn(record.definition);
    auto* const base = reinterpret_cast<std::uint8_t*>(&values);
    const ipfix::Octets* const from = record.values.data();
    for (const Place& place : texts_) put(base, place, Text{from[place.field].size(), from[place.field].data()});
    for (const Place& place : numbers_[3]) put(base, place, ipfix::big_endian(from[place.field].first<8>()));
    for (const Place& place : numbers_[2]) {
      put(base, place, static_cast<std::uint32_t>(ipfix::big_endian(from[place.field].first<4>())));
    }
    for (const Place& place : numbers_[1]) {
      put(base, place, static_cast<std::uint16_t>(ipfix::big_endian(from[place.field].first<2>())));
    }
    for (const Place& place : numbers_[0]) put(base, place, from[place.field][0]);
  }

 private:
  struct Place {
    std::uint32_t field;
    std::uint32_t offset;  // in FlowValues
  };

  template <class T>
  static void put(std::uint8_t* base, const Place& place, T value) {
    std::memcpy(base + place.offset, &value, sizeof value);
  }

  void learn(const ipfix::CollectedTemplate& definition) {
    definition_ = &definition;
    texts_.clear();
    for (std::vector<Place>& places : numbers_) places.clear();
    for (std::uint32_t i = 0; i < definition.fields.size(); ++i) {
      const ipfix::CollectedField& collected = definition.fields[i];
      for (const FlowField& field : flow_fields) {
        if (collected.element == nullptr || collected.element->name != field.element) continue;
        const std::size_t wanted = field.octets == 0 ? ipfix::variable_length : field.octets;
        if (collected.specifier.length != wanted) throw std::runtime_error("a field of an unexpected length");
        const Place place{i, static_cast<std::uint32_t>(field.offset)};
        (field.octets == 0 ? texts_ : numbers_[std::countr_zero(field.octets)]).push_back(place);
      }
    }
  }

  const ipfix::CollectedTemplate* definition_ = nullptr;
  std::vector<Place> texts_;
  std::vector<Place> numbers_[4];  // of 1, 2, 4 and 8 octets
};

}  // namespace bench
