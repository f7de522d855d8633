#include "ovs-plugin/config/document.h"

#include <simdjson.h>
#include <yaml-cpp/depthguard.h>

#include <algorithm>
#include <vector>

#include "ovs-plugin/config/section.h"

namespace ofe::config {
namespace {

constexpr std::string_view kFileKey = "antrea-agent.conf";

std::string_view line_of(std::string_view text, int line) {
  for (int i = 0; i < line; ++i) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

// YAML 1.2 section 5.1 and 5.2: printable characters, in UTF-8 (JSON's UTF-16 and UTF-32 are not for people).
bool check_characters(std::string_view text, Findings& findings) {
  for (int line = 0; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view content = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!simdjson::validate_utf8(content.data(), content.size())) {
      findings.error(line, "the line is not UTF-8 text");
      return false;
    }
    for (const char c : content) {
      if ((static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\r') || c == 0x7f) {
        findings.error(line, "the line holds a control character");
        return false;
      }
    }
  }
  return true;
}

// What most often is the matter with a line that is not YAML.
std::string hint_for(std::string_view line) {
  const std::size_t indent = line.find_first_not_of(" ");
  if (indent != std::string_view::npos && line[indent] == '\t') return " (a tab cannot indent; use blanks)";
  if (line.find(": [") != std::string_view::npos) return " (a value that begins with [ but is no list needs quotes)";
  return "";
}

std::optional<YAML::Node> load(const std::string& text, Findings& findings) {
  try {
    std::vector<YAML::Node> documents = YAML::LoadAll(text);
    std::erase_if(documents, [](const YAML::Node& document) { return document.IsNull(); });
    if (documents.size() > 1) {
      findings.error(documents[1].Mark().line, "a second YAML document begins; allowed: one");
      return std::nullopt;
    }
    return documents.empty() ? YAML::Node(YAML::NodeType::Map) : documents[0];
  } catch (const YAML::DeepRecursion& e) {
    findings.error(e.mark.line, "nested too deeply");
  } catch (const YAML::Exception& e) {
    const int line = std::max(e.mark.line, 0);
    findings.error(line, "not YAML: " + e.msg + hint_for(line_of(text, line)));
  }
  return std::nullopt;
}

// The text of the configuration in a ConfigMap (or in its data), with the lines it stands on.
struct Embedded {
  YAML::Node text;
  int key_line = 0;
};
// nullopt: node is no ConfigMap. An undefined text: an error was reported.
std::optional<Embedded> find_embedded(const YAML::Node& node, Findings& findings) {
  if (!node.IsMap()) return std::nullopt;
  YAML::Node data;
  int data_line = 0, config_map_line = -1;
  for (const auto& entry : node) {
    if (!entry.first.IsScalar()) continue;
    const std::string& key = entry.first.Scalar();
    if (key == "kind" && entry.second.IsScalar() && entry.second.Scalar() == "ConfigMap") {
      config_map_line = entry.first.Mark().line;
    } else if (key == "data") {
      data.reset(entry.second);
      data_line = entry.first.Mark().line;
    } else if (key == kFileKey && node.size() == 1) {
      return Embedded{entry.second, entry.first.Mark().line};
    }
  }
  if (config_map_line < 0) return std::nullopt;
  std::optional<Embedded> found;
  if (data.IsMap()) {
    each_key(data, data_line, "data", findings, [&](const std::string& key, int line, const YAML::Node& value) {
      if (key == kFileKey) found = Embedded{value, line};
    });
  }
  if (found) return found;
  findings.error(config_map_line, "the ConfigMap has no data.\"" + std::string(kFileKey) + "\"");
  return Embedded{YAML::Node(YAML::NodeType::Undefined), config_map_line};
}

// A literal block ("|") keeps the file's lines, from the one after its head on; other styles have lines of their own.
Lines lines_of(const std::string& text, const Embedded& embedded) {
  const std::string_view head = line_of(text, embedded.key_line);
  const std::size_t colon = head.find(':', head.find(kFileKey));
  const std::size_t style = colon == std::string_view::npos ? colon : head.find_first_not_of(' ', colon + 1);
  if (style != std::string_view::npos && head[style] == '|') return {embedded.key_line + 1, false};
  return {embedded.key_line, true};
}

}  // namespace

std::optional<YAML::Node> find_agent_configuration(const std::string& text, Findings& findings) {
  if (text.size() > kMaxOctets) {
    findings.error(0, "the file has more than 1048576 octets");
    return std::nullopt;
  }
  if (!check_characters(text, findings)) return std::nullopt;
  std::optional<YAML::Node> root = load(text, findings);
  if (!root) return std::nullopt;
  const std::optional<Embedded> embedded = find_embedded(*root, findings);
  if (!embedded) return root;
  if (!embedded->text.IsDefined()) return std::nullopt;
  if (embedded->text.IsNull()) return YAML::Node(YAML::NodeType::Map);
  if (!embedded->text.IsScalar()) {
    findings.wrong_value(embedded->key_line, kFileKey, embedded->text, "is not a text",
                         "a block, \"antrea-agent.conf: |\"");
    return std::nullopt;
  }
  findings.set_lines(lines_of(text, *embedded));
  return load(embedded->text.Scalar(), findings);
}

}  // namespace ofe::config
