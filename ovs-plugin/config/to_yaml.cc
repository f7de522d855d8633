#include "ovs-plugin/config/agent_settings.h"
#include "ovs-plugin/config/own_settings.h"

namespace ofe::config {
namespace {

void write_all(std::span<const Setting> settings, const Config& config, YAML::Emitter& out) {
  out << YAML::BeginMap;
  for (const Setting& setting : settings) {
    out << YAML::Key << std::string(setting.key) << YAML::Value;
    if (setting.section.empty()) {
      setting.write(config, out);
    } else {
      write_all(setting.section, config, out);
    }
  }
  out << YAML::EndMap;
}

}  // namespace

std::string to_yaml(const Config& config) {
  YAML::Emitter out;
  out << YAML::BeginMap;
  write_agent_settings(config, out);
  out << YAML::Key << std::string(kOwnSection) << YAML::Value;
  write_all(own_settings(), config, out);
  out << YAML::EndMap;
  return std::string(out.c_str(), out.size()) + "\n";
}

}  // namespace ofe::config
