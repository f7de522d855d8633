// From the file's text to the root of the agent's configuration in it.
#pragma once

#include <optional>
#include <string>

#include "ovs-plugin/config/findings.h"

namespace ofe::config {

// Aliases are resolved by reference, so a small file cannot become large; this bounds the rest.
constexpr std::size_t kMaxOctets = 1u << 20;

// Accepts the agent's configuration as such, a ConfigMap that holds it under data."antrea-agent.conf", and that data
// alone. Sets the lines of findings. nullopt: an error was reported.
std::optional<YAML::Node> find_agent_configuration(const std::string& text, Findings& findings);

}  // namespace ofe::config
