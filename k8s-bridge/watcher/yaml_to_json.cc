#include "k8s-bridge/watcher/yaml_to_json.h"

#include <absl/strings/ascii.h>
#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>

namespace ofe::watcher {

namespace {

constexpr int max_depth = 64;  // Kubernetes objects are about ten deep; an alias of itself has no end

bool is_integer(std::string_view text) {
  if (!text.empty() && text.front() == '-') text.remove_prefix(1);
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

void append_quoted(std::string_view text, std::string& out) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  out += '"';
}

class Emitter {
 public:
  explicit Emitter(std::size_t octets_left) : octets_left_(octets_left) {}

  void emit(const YAML::Node& node, std::string_view key, int depth, std::string& out) {
    if (depth > max_depth) throw YAML::Exception(node.Mark(), "nested too deeply");
    if (out.size() > octets_left_) throw YAML::Exception(node.Mark(), "too large once its aliases are filled in");
    switch (node.Type()) {
      case YAML::NodeType::Scalar:
        return emit_scalar(node, key, out);
      case YAML::NodeType::Sequence:
        return emit_sequence(node, key, depth, out);
      case YAML::NodeType::Map:
        return emit_map(node, depth, out);
      case YAML::NodeType::Null:
      case YAML::NodeType::Undefined:
        out += "null";
    }
  }

 private:
  static void emit_scalar(const YAML::Node& node, std::string_view key, std::string& out) {
    const std::string& text = node.Scalar();
    const bool plain = node.Tag() == "?" || node.Tag().empty();
    const std::string lower = absl::AsciiStrToLower(text);
    const bool number = plain && (key == "port" || key == "nodePort") && is_integer(text);
    const bool boolean = plain && key == "hostNetwork" && (lower == "true" || lower == "false");
    if (number || boolean) {
      out += lower;
    } else {
      append_quoted(text, out);
    }
  }

  void emit_sequence(const YAML::Node& node, std::string_view key, int depth, std::string& out) {
    out += '[';
    bool first = true;
    for (const YAML::Node& item : node) {
      if (!first) out += ',';
      first = false;
      emit(item, key, depth + 1, out);
    }
    out += ']';
  }

  void emit_map(const YAML::Node& node, int depth, std::string& out) {
    out += '{';
    bool first = true;
    for (const auto& item : node) {
      if (!item.first.IsScalar()) throw YAML::Exception(item.first.Mark(), "a key is not a plain word");
      if (!first) out += ',';
      first = false;
      append_quoted(item.first.Scalar(), out);
      out += ':';
      emit(item.second, item.first.Scalar(), depth + 1, out);
    }
    out += '}';
  }

  std::size_t octets_left_;
};

}  // namespace

bool yaml_to_json(const std::string& yaml, std::vector<std::string>& documents, std::string& error) {
  documents.clear();
  std::size_t octets_left = max_json_octets;
  try {
    for (const YAML::Node& document : YAML::LoadAll(yaml)) {
      if (document.IsNull()) continue;
      std::string json;
      Emitter(octets_left).emit(document, "", 0, json);
      octets_left -= std::min(octets_left, json.size());
      documents.push_back(std::move(json));
    }
  } catch (const YAML::Exception& exception) {
    const YAML::Mark& mark = exception.mark;
    error = mark.is_null() ? exception.msg
                           : fmt::format("line {}, column {}: {}", mark.line + 1, mark.column + 1, exception.msg);
    return false;
  } catch (const std::exception& exception) {  // yaml-cpp also lets conversions of the standard library escape
    error = exception.what();
    return false;
  }
  return true;
}

}  // namespace ofe::watcher
