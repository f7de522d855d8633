// A row of a table of fields, how rows become a table, and a table a template and a record.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <utility>

#include "ipfix/element.h"
#include "ipfix/record_writer.h"
#include "ipfix/template.h"
#include "ovs-plugin/record/profile.h"

namespace ofe::record {

// From: what a record is made of.
template <class From>
struct Row {
  const char* element = nullptr;                                      // name in the registry, in its natural length
  void (*put)(ipfix::RecordWriter& out, const From& from) = nullptr;  // nullptr: the row before it writes this as well
};

// One table of several pieces.
template <class Piece, std::size_t... Sizes>
constexpr auto join(const std::array<Piece, Sizes>&... pieces) {
  std::array<Piece, (Sizes + ...)> all{};
  std::size_t n = 0;
  const auto append = [&](const auto& piece) {
    for (const Piece& row : piece) all[n++] = row;
  };
  (append(pieces), ...);
  return all;
}

// Known when compiled, a table is straight code; a writer of its own keeps its position in registers.
template <const auto& rows, class From>
void put_all(ipfix::RecordWriter& out, const From& from) {
  ipfix::RecordWriter writer(out.rest());
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    const auto put = [&]<std::size_t i>() {
      if (rows[i].put != nullptr) rows[i].put(writer, from);  // known when compiled
    };
    (put.template operator()<I>(), ...);
  }
  (std::make_index_sequence<rows.size()>());
  out.go_on_behind(writer);
}

// A name that neither the profile's enterprise has nor IANA is a bug and aborts.
template <class From>
ipfix::Template template_from(std::uint16_t id, Profile profile, std::span<const Row<From>> rows) {
  ipfix::Template definition{id, 0, {}};
  const ipfix::Registry& registry = ipfix::Registry::builtin();
  for (const Row<From>& row : rows) {
    const ipfix::Element* element = registry.find(static_cast<std::uint32_t>(profile), row.element);
    if (element == nullptr) element = registry.find(row.element);
    if (element == nullptr) {
      std::fprintf(stderr, "field table: the registry has no element %s\n", row.element);
      std::abort();
    }
    definition.fields.push_back({element->enterprise, element->id, ipfix::natural_length(element->type)});
  }
  return definition;
}

}  // namespace ofe::record
