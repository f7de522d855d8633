// Kubernetes objects as metadata messages, one conversion per kind. Both sources use it: the API server's JSON as it
// comes, the static file's YAML turned into JSON before.
#pragma once

#include <simdjson.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "proto/metadata.pb.h"

namespace ofe::watcher {

enum class Kind : std::uint8_t { pod, service, node };
inline constexpr std::array<Kind, 3> all_kinds = {Kind::pod, Kind::service, Kind::node};
const char* to_string(Kind kind);  // as the API writes it: "Pod", "Service", "Node"
std::optional<Kind> kind_named(std::string_view name);

using Object = std::variant<metadata::v1::Pod, metadata::v1::Service, metadata::v1::Node>;  // in the order of Kind
inline Kind kind_of(const Object& object) {
  return static_cast<Kind>(object.index());
}

// What names an object for removal (metadata.proto): a Pod's uid, namespace/name of a Service, a Node's name. A
// Service that was deleted and made again under its name is a change of it, not another one.
std::string key_of(const Object& object);

// nullopt: problem says which object and which field ("Pod default/web: spec.nodeName is not a string").
std::optional<Object> object_from_json(Kind kind, simdjson::dom::element json, std::string& problem);
// The key alone, of an object that is gone and whose other fields do not matter; "" with problem set when it has none.
std::string key_from_json(Kind kind, simdjson::dom::element json, std::string& problem);

}  // namespace ofe::watcher
