// IANA elements that a record can have on request (ovsFlowExporter.extraElements), besides those of its profile.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ovs-plugin/record/field_table.h"

namespace ofe::record {

// nullptr: not one of them.
const Field* extra_element(std::string_view name);
// Their names, in the order in which they are best explained.
std::vector<std::string_view> extra_element_names();
// Why an element cannot be had, for one that IANA has: "" where there is none of that name.
std::string why_not_extra(std::string_view name);

}  // namespace ofe::record
