// The keys of antrea-agent.conf that concern flow export, in both spellings.
#pragma once

#include "ovs-plugin/config/section.h"

namespace ofe::config {

// Reads the agent's configuration and our own section in it; keys of the agent that are none of ours are passed over.
void read_agent_settings(const YAML::Node& root, Config& config, Findings& findings);

// Writes the agent's part.
void write_agent_settings(const Config& config, YAML::Emitter& out);

}  // namespace ofe::config
