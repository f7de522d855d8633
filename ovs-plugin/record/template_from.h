// A template from a table of fields.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>

#include "ipfix/element.h"
#include "ipfix/template.h"

namespace ofe::record {

// Row: has the name of an element of the built-in registry and a length, 0 for the element's own. A name the registry
// lacks is a bug and aborts.
template <class Row>
ipfix::Template template_from(std::uint16_t id, std::span<const Row> fields) {
  ipfix::Template definition{id, 0, {}};
  for (const Row& field : fields) {
    const ipfix::Element* element = ipfix::Registry::builtin().find(field.element);
    if (element == nullptr) {
      std::fprintf(stderr, "field table: the registry has no element %s\n", field.element);
      std::abort();
    }
    const std::uint16_t length = field.length != 0 ? field.length : ipfix::natural_length(element->type);
    definition.fields.push_back({element->enterprise, element->id, length});
  }
  return definition;
}

}  // namespace ofe::record
