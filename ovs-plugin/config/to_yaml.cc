#include "ovs-plugin/config/agent_settings.h"
#include "ovs-plugin/config/own_settings.h"

namespace ofe::config {

std::string to_yaml(const Config& config) {
  YAML::Emitter out;
  out << YAML::BeginMap;
  write_agent_settings(config, out);
  out << YAML::Key << std::string(kOwnSection) << YAML::Value << YAML::BeginMap;
  for (const Setting& setting : own_settings()) {
    out << YAML::Key << std::string(setting.key) << YAML::Value;
    setting.write(config, out);
  }
  out << YAML::EndMap << YAML::EndMap;
  return std::string(out.c_str(), out.size()) + "\n";
}

}  // namespace ofe::config
