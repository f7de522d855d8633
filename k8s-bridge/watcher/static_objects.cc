#include "k8s-bridge/watcher/static_objects.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <string_view>

#include "k8s-bridge/watcher/json_fields.h"
#include "k8s-bridge/watcher/yaml_to_json.h"

namespace ofe::watcher {

namespace dom = simdjson::dom;

namespace {

constexpr int max_list_depth = 4;
constexpr std::string_view list_suffix = "List";

// implied_kind: of the list the object stands in; its items need not repeat it.
void take_object(dom::element json, std::string_view implied_kind, const std::string& where, int depth,
                 StaticObjects& result) {
  std::string problem;
  const Fields fields(json, problem);
  const std::string_view version = fields.text("apiVersion");
  std::string_view kind_name = fields.text("kind");
  if (kind_name.empty()) kind_name = implied_kind;
  if (problem.empty() && kind_name.empty()) problem = "has no kind";
  if (!problem.empty()) {
    result.skipped.push_back(fmt::format("{} {}", where, problem));
    return;
  }
  if (kind_name.ends_with(list_suffix)) {
    dom::array items;
    if (depth >= max_list_depth || json["items"].get(items) != simdjson::SUCCESS) {
      result.skipped.push_back(fmt::format("{} ({}) has no list of items", where, kind_name));
      return;
    }
    const std::string_view item_kind = kind_name.substr(0, kind_name.size() - list_suffix.size());
    int index = 0;
    for (const dom::element item : items) {
      take_object(item, item_kind, fmt::format("{}, item {}", where, ++index), depth + 1, result);
    }
    return;
  }
  const auto kind = kind_named(kind_name);
  // There are other things called Service, such as Knative's.
  if (!kind || (!version.empty() && version != "v1")) {
    ++result.ignored;
    return;
  }
  if (auto object = object_from_json(*kind, json, problem)) {
    result.objects.push_back(std::move(*object));
  } else {
    result.skipped.push_back(fmt::format("{}: {}", where, problem));
  }
}

}  // namespace

bool parse_static_objects(const std::string& yaml, StaticObjects& result, std::string& error) {
  result = {};
  std::vector<std::string> documents;
  if (!yaml_to_json(yaml, documents, error)) return false;
  dom::parser parser;
  for (std::size_t i = 0; i < documents.size(); ++i) {
    const std::string where = fmt::format("document {}", i + 1);
    dom::element json;
    if (const auto code = parser.parse(documents[i]).get(json); code != simdjson::SUCCESS) {
      error = fmt::format("{}: {}", where, simdjson::error_message(code));
      return false;
    }
    if (!json.is_object()) {
      error = fmt::format("{} is not a Kubernetes object", where);
      return false;
    }
    take_object(json, "", where, 0, result);
  }
  return true;
}

}  // namespace ofe::watcher
