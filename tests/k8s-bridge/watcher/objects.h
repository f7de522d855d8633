// Metadata messages to put into a store.
#pragma once

#include <simdjson.h>

#include <string>

#include "k8s-bridge/watcher/object.h"
#include "proto/metadata.pb.h"

namespace ofe::watcher {

inline metadata::v1::Pod make_pod(const std::string& name, const std::string& node, const std::string& uid = "") {
  metadata::v1::Pod pod;
  pod.set_namespace_("default");
  pod.set_name(name);
  pod.set_uid(uid.empty() ? "uid-" + name : uid);
  pod.set_node_name(node);
  pod.add_ips(std::string("\x0a\x01\x00\x05", 4));
  return pod;
}

inline metadata::v1::Service make_service(const std::string& name) {
  metadata::v1::Service service;
  service.set_namespace_("default");
  service.set_name(name);
  service.set_type("ClusterIP");
  return service;
}

inline metadata::v1::Node make_node(const std::string& name) {
  metadata::v1::Node node;
  node.set_name(name);
  return node;
}

}  // namespace ofe::watcher
