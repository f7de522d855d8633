// A mapping of the file against a table of the keys it may have.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ovs-plugin/config/findings.h"

namespace ofe::config {

// Reports that a value, or an element of it, is wrong: why, and what would be right.
using Complain = std::function<void(const YAML::Node& value, std::string_view why, std::string_view allowed)>;

// One key: reading and writing stand side by side, so that neither is forgotten. Or a mapping with keys of its own, and
// neither.
struct Setting {
  std::string_view key;
  void (*read)(const YAML::Node& value, Config& config, const Complain& complain);
  void (*write)(const Config& config, YAML::Emitter& out);
  std::span<const Setting> section{};
};

// Keys that have a value, by their full name ("flowExporter.enable"), with their line in the text.
using Given = std::map<std::string, int, std::less<>>;

// Whose mapping it is. In ours an unknown key is an error. In the agent's it is somebody else's, and warned of only
// where it looks like a misspelt key of ours; an empty text there means unset (the agent's template is full of them).
enum class Owner { ours, agent };

// Calls visit(key, key's line, value) for every key once; doubles and keys that are no text are errors. False when
// `node` is no mapping (an error, too, unless it is null).
bool each_key(const YAML::Node& node, int line, std::string_view name, Findings& findings,
              const std::function<void(const std::string& key, int line, const YAML::Node& value)>& visit);

// Reads one setting; a null leaves the default.
void read_setting(const Setting& setting, const std::string& full_name, int line, const YAML::Node& value, Owner owner,
                  Config& config, Given& given, Findings& findings);

// Reads a whole mapping, whose name is put before its keys. True when it is there.
bool read_section(const YAML::Node& node, int line, std::string_view name, std::span<const Setting> settings,
                  Owner owner, Config& config, Given& given, Findings& findings);

// The known name that is the fewest letters away, case aside; "" where none is known. distance: how many.
std::string_view nearest_name(std::string_view given, const std::vector<std::string_view>& known,
                              std::size_t* distance = nullptr);

void report_unknown_key(const std::string& full_name, const std::string& key, int line,
                        const std::vector<std::string_view>& known, Owner owner, Findings& findings);

}  // namespace ofe::config
