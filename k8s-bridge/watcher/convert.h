// One conversion per kind, for object.cc alone. Wrong types set the problem of the fields.
#pragma once

#include "k8s-bridge/watcher/json_fields.h"
#include "proto/metadata.pb.h"

namespace ofe::watcher {

// metadata.namespace ("default" when absent, as kubectl takes it), name, uid ("namespace/name" when absent: a file
// written by hand has none).
struct Identity {
  std::string object_namespace, name, uid;
};
Identity identity_from(const Fields& root, bool namespaced);

void pod_from(const Fields& root, metadata::v1::Pod& pod);
void service_from(const Fields& root, metadata::v1::Service& service);
void node_from(const Fields& root, metadata::v1::Node& node);

}  // namespace ofe::watcher
