#include "k8s-bridge/watcher/api_messages.h"

#include "k8s-bridge/watcher/json_fields.h"

namespace ofe::watcher {

namespace dom = simdjson::dom;

namespace {

constexpr std::size_t max_message_octets = 300;

void take_event_object(Kind kind, dom::element json, WatchEvent& event) {
  std::string problem;
  const Fields fields(json, problem);
  event.resource_version = fields.object("metadata").text("resourceVersion");
  switch (event.type) {
    case WatchEvent::Type::put:
      event.object = object_from_json(kind, json, event.skipped);
      break;
    case WatchEvent::Type::removed:
      event.removed_key = key_from_json(kind, json, event.skipped);
      break;
    case WatchEvent::Type::error:
      event.error_code = fields.integer("code", 999);
      event.error_message = fields.text("message");
      break;
    case WatchEvent::Type::bookmark:
      event.initial_events_end =
          fields.object("metadata").object("annotations").text("k8s.io/initial-events-end") == "true";
      break;
    case WatchEvent::Type::unknown:
      break;
  }
}

WatchEvent::Type type_named(std::string_view name) {
  if (name == "ADDED" || name == "MODIFIED") return WatchEvent::Type::put;
  if (name == "DELETED") return WatchEvent::Type::removed;
  if (name == "BOOKMARK") return WatchEvent::Type::bookmark;
  if (name == "ERROR") return WatchEvent::Type::error;
  return WatchEvent::Type::unknown;
}

// False: error says why. Nothing at all is no document that the parser would be asked about.
bool parse_document(std::string_view text, dom::parser& parser, dom::element& json, std::string& error) {
  const auto code = text.empty() ? simdjson::EMPTY : parser.parse(text.data(), text.size()).get(json);
  error = code == simdjson::SUCCESS ? "" : simdjson::error_message(code);
  return code == simdjson::SUCCESS;
}

}  // namespace

bool parse_list_page(Kind kind, std::string_view body, ListPage& page, std::string& error) {
  page = {};
  dom::parser parser;
  dom::element json;
  if (!parse_document(body, parser, json, error)) return false;
  const Fields root(json, error);
  const Fields metadata = root.object("metadata");
  page.resource_version = metadata.required_text("resourceVersion");
  page.continue_token = metadata.text("continue");
  if (!error.empty()) return false;
  dom::array items;
  dom::element member;
  if (json["items"].get(member) != simdjson::SUCCESS || member.is_null()) return true;  // an empty list
  if (member.get(items) != simdjson::SUCCESS) {
    error = "items is not a list";
    return false;
  }
  for (const dom::element item : items) {
    std::string problem;
    if (auto object = object_from_json(kind, item, problem)) {
      page.objects.push_back(std::move(*object));
    } else {
      page.skipped.push_back(std::move(problem));
    }
  }
  return true;
}

bool parse_watch_event(Kind kind, std::string_view line, dom::parser& parser, WatchEvent& event, std::string& error) {
  event = {};
  dom::element json;
  if (!parse_document(line, parser, json, error)) return false;
  const Fields root(json, error);
  event.type = type_named(root.required_text("type"));
  root.object("object");
  dom::element object;
  if (error.empty() && json["object"].get(object) != simdjson::SUCCESS) error = "object is missing";
  if (!error.empty()) return false;
  take_event_object(kind, object, event);
  return true;
}

std::string status_message(std::string_view body) {
  dom::parser parser;
  std::string_view message;
  if (parser.parse(body.data(), body.size())["message"].get(message) != simdjson::SUCCESS) message = body;
  message = message.substr(0, max_message_octets);
  return std::string(message.substr(0, message.find_first_of("\r\n")));
}

}  // namespace ofe::watcher
