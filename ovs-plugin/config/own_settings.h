// The keys under ovsFlowExporter.
#pragma once

#include <span>

#include "ovs-plugin/config/section.h"

namespace ofe::config {

constexpr std::string_view kOwnSection = "ovsFlowExporter";
std::span<const Setting> own_settings();

}  // namespace ofe::config
