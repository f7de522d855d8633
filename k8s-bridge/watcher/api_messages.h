// What the API server sends: a page of a list, one event of a watch, a Status that explains a refusal.
// https://kubernetes.io/docs/reference/using-api/api-concepts/
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "k8s-bridge/watcher/object.h"

namespace ofe::watcher {

struct ListPage {
  std::vector<Object> objects;
  std::vector<std::string> skipped;  // one line for each object that cannot be used: which and why
  std::string resource_version;
  std::string continue_token;  // "" on the last page
};
// False: not a list; error says why.
bool parse_list_page(Kind kind, std::string_view body, ListPage& page, std::string& error);

struct WatchEvent {
  enum class Type : std::uint8_t { put, removed, bookmark, error, unknown };
  Type type = Type::unknown;
  std::optional<Object> object;  // of put; nullopt: it cannot be used, skipped says which and why
  std::string removed_key;       // of removed
  std::string skipped;
  std::string resource_version;     // to watch from after this event; "" in an error
  bool initial_events_end = false;  // of a bookmark: everything there was has been told
  std::uint32_t error_code = 0;     // HTTP status of an error, 410: the resource version is too old
  std::string error_message;
};
// False: not an event; error says why. The parser is reused from line to line.
bool parse_watch_event(Kind kind, std::string_view line, simdjson::dom::parser& parser, WatchEvent& event,
                       std::string& error);

// The message of a Status object, or the start of whatever else a server or proxy answered.
std::string status_message(std::string_view body);

}  // namespace ofe::watcher
