// ovsFlowExporter.extraElements against what records can have.
#pragma once

#include "ovs-plugin/config/findings.h"

namespace ofe::config {

// An error for each name that is not among the allowed ones, on its own line.
void check_extra_elements(const YAML::Node& root, const ElementNames& elements, Findings& findings);

}  // namespace ofe::config
