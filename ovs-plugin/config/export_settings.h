// Settings of where records go beside flowCollectorAddr.
#pragma once

#include <span>

#include "ovs-plugin/config/section.h"

namespace ofe::config {

// A list of collectors in flowCollectorAddr's notation, in addition to it.
void read_collectors(const YAML::Node& value, Config& config, const Complain& complain);
void write_collectors(const Config& config, YAML::Emitter& out);

// The keys under spool.
std::span<const Setting> spool_settings();

}  // namespace ofe::config
