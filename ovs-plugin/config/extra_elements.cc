#include "ovs-plugin/config/extra_elements.h"

#include <algorithm>

#include "ovs-plugin/config/own_settings.h"

namespace ofe::config {
namespace {

constexpr std::string_view kKey = "extraElements";

std::string joined(const std::vector<std::string_view>& names) {
  std::string text;
  for (const std::string_view name : names) text.append(text.empty() ? "" : ", ").append(name);
  return text;
}

}  // namespace

void check_extra_elements(const YAML::Node& root, const ElementNames& elements, Findings& findings) {
  if (!root.IsMap()) return;
  const YAML::Node own = root[std::string(kOwnSection)];
  if (!own.IsDefined() || !own.IsMap()) return;
  const YAML::Node names = own[std::string(kKey)];
  if (!names.IsDefined() || !names.IsSequence()) return;
  const std::string key = std::string(kOwnSection) + "." + std::string(kKey);
  for (const YAML::Node& element : names) {
    if (!element.IsScalar()) continue;
    const std::string& name = element.Scalar();
    if (std::ranges::find(elements.allowed, name) != elements.allowed.end()) continue;
    std::string why = elements.why_not == nullptr ? "" : elements.why_not(name);
    if (why.empty()) {
      why = "is the name of no IANA element";
      if (const std::string_view near = nearest_name(name, elements.allowed); !near.empty()) {
        why.append("; the nearest one that can be had is \"").append(near).append("\"");
      }
    }
    findings.wrong_value(element.Mark().line, key, element, why, joined(elements.allowed));
  }
}

}  // namespace ofe::config
