// YAML documents of Kubernetes objects as JSON, so that one conversion serves both sources.
//
// YAML writes `port: 80` and `name: 80` alike; which of them is a number only the API's types tell. Of the fields the
// conversions read, port, nodePort and hostNetwork are not strings: their plain scalars stay numbers and booleans,
// every other scalar becomes a string. A quoted scalar is a string everywhere.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace ofe::watcher {

inline constexpr std::size_t max_json_octets = 128u << 20;  // of all documents: aliases can multiply what a file holds

// Empty documents are left out. False: error names line and column; documents is then unspecified.
bool yaml_to_json(const std::string& yaml, std::vector<std::string>& documents, std::string& error);

}  // namespace ofe::watcher
