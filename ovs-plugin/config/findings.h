// Where in the file something is wrong, and the list it goes to.
#pragma once

#include <yaml-cpp/yaml.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ovs-plugin/config/config.h"

namespace ofe::config {

// Which line of the file a line of the parsed text is: the text may be a block inside a ConfigMap.
struct Lines {
  int first = 0;           // of the file, counted from 0
  bool all_first = false;  // the text's own line breaks are not the file's ("a: 1\nb: 2" in quotes)
  int in_file(int line) const { return all_first ? first : first + line; }
};

class Findings {
 public:
  Findings(std::string file, ParseResult& result) : file_(std::move(file)), result_(result) {}

  void set_lines(Lines lines) { lines_ = lines; }
  void error(int line, std::string_view what) { add(result_.errors, at(line, what)); }
  void warning(int line, std::string_view what) { add(result_.warnings, at(line, what)); }
  // "FILE:LINE: KEY: VALUE WHY; allowed: ALLOWED"
  void wrong_value(int line, std::string_view key, const YAML::Node& value, std::string_view why,
                   std::string_view allowed);
  // The last word, when there was more to say than fits.
  void finish();
  int line_in_file(int line) const { return lines_.in_file(line) + 1; }

 private:
  static constexpr std::size_t kMaxKept = 100;  // each of errors and warnings
  void add(std::vector<std::string>& list, std::string text);
  std::string at(int line, std::string_view what) const {
    return file_ + ":" + std::to_string(line_in_file(line)) + ": " + std::string(what);
  }
  std::string file_;
  ParseResult& result_;
  Lines lines_;
  std::size_t left_out_ = 0;
};

}  // namespace ofe::config
