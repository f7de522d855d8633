// The keys under ovsFlowExporter.tls: how collectors reached over TLS are met (RFC 7011 section 11.3).
#pragma once

#include <span>

#include "ovs-plugin/config/section.h"

namespace ofe::config {

std::span<const Setting> tls_settings();
// What no single key shows: after all of the file was read.
void check_tls(const Config& config, const Given& given, Findings& findings);

}  // namespace ofe::config
