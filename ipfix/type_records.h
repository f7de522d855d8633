// RFC 5610: what enterprise elements are called and how they are encoded, told to collectors that lack their
// definitions.
#pragma once

#include <cstdint>
#include <span>

#include "ipfix/exporting_process.h"

namespace ipfix {

// The Options Template of such records: the element (scope), its type, semantics, units, range, name and description.
Template type_record_template(std::uint16_t id);

// Has every session of the process tell, before anything else, of each enterprise element in these templates; of those
// of RFC 5103 (reverse elements) none, which collectors derive. To be called before their templates are added. An
// element the built-in registry lacks is left out. False: the id is below 256 or taken.
bool add_type_records(ExportingProcess& process, std::uint16_t template_id, std::span<const Template> described);

}  // namespace ipfix
