// The Flow Keys option (RFC 7011 section 4.4): which fields of a template tell its flows apart.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "ipfix/exporting_process.h"

namespace ipfix {

// The Options Template: templateId (scope), flowKeyIndicator.
Template flow_keys_template(std::uint16_t id);

// Has every session of the process tell, after the templates, which of their fields are keys. A bit stands for a field,
// so only the first 64 of a template can be. To be called after the described templates were added. False: the id is
// below 256 or taken.
bool add_flow_keys(ExportingProcess& process, std::uint16_t template_id, std::span<const Template> described,
                   const std::function<bool(const FieldSpecifier&)>& is_key);

}  // namespace ipfix
