#include "k8s-bridge/watcher/object.h"

#include <fmt/format.h>

#include "k8s-bridge/watcher/convert.h"

namespace ofe::watcher {

namespace v1 = metadata::v1;

namespace {

std::string whole_name(Kind kind, const Identity& identity) {
  if (identity.name.empty()) return fmt::format("{} without a name", to_string(kind));
  if (kind == Kind::node) return fmt::format("{} {}", to_string(kind), identity.name);
  return fmt::format("{} {}/{}", to_string(kind), identity.object_namespace, identity.name);
}

// The items of a list do not say their kind, everything else does.
void check_kind(Kind kind, const Fields& root) {
  const std::string_view said = root.text("kind");
  if (!said.empty() && said != to_string(kind)) root.fail("kind", -1, fmt::format("is {}", said));
}

// As far as it can be read: the object's other fields may be what is wrong with it.
std::string name_from_json(Kind kind, simdjson::dom::element json) {
  std::string ignored;
  return whole_name(kind, identity_from(Fields(json, ignored), kind != Kind::node));
}

}  // namespace

const char* to_string(Kind kind) {
  switch (kind) {
    case Kind::pod:
      return "Pod";
    case Kind::service:
      return "Service";
    case Kind::node:
      return "Node";
  }
  return "?";
}

std::optional<Kind> kind_named(std::string_view name) {
  for (const Kind kind : all_kinds) {
    if (name == to_string(kind)) return kind;
  }
  return std::nullopt;
}

Identity identity_from(const Fields& root, bool namespaced) {
  const Fields metadata = root.object("metadata");
  Identity identity;
  identity.name = metadata.required_text("name");
  if (namespaced) {
    identity.object_namespace = metadata.text("namespace");
    if (identity.object_namespace.empty()) identity.object_namespace = "default";
  }
  identity.uid = metadata.text("uid");
  if (identity.uid.empty()) identity.uid = fmt::format("{}/{}", identity.object_namespace, identity.name);
  return identity;
}

std::string key_of(const Object& object) {
  if (const auto* pod = std::get_if<v1::Pod>(&object)) return pod->uid();
  if (const auto* node = std::get_if<v1::Node>(&object)) return node->name();
  const auto& service = std::get<v1::Service>(object);
  return fmt::format("{}/{}", service.namespace_(), service.name());
}

std::optional<Object> object_from_json(Kind kind, simdjson::dom::element json, std::string& problem) {
  problem.clear();
  const Fields root(json, problem);
  check_kind(kind, root);
  Object object;
  switch (kind) {
    case Kind::pod:
      pod_from(root, object.emplace<v1::Pod>());
      break;
    case Kind::service:
      service_from(root, object.emplace<v1::Service>());
      break;
    case Kind::node:
      node_from(root, object.emplace<v1::Node>());
      break;
  }
  if (problem.empty()) return object;
  problem = fmt::format("{}: {}", name_from_json(kind, json), problem);
  return std::nullopt;
}

std::string key_from_json(Kind kind, simdjson::dom::element json, std::string& problem) {
  problem.clear();
  const Fields root(json, problem);
  check_kind(kind, root);
  const Identity identity = identity_from(root, kind != Kind::node);
  if (!problem.empty()) {
    problem = fmt::format("{}: {}", name_from_json(kind, json), problem);
    return "";
  }
  switch (kind) {
    case Kind::pod:
      return identity.uid;
    case Kind::service:
      return fmt::format("{}/{}", identity.object_namespace, identity.name);
    case Kind::node:
      return identity.name;
  }
  return "";
}

}  // namespace ofe::watcher
