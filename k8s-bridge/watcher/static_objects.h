// The objects of a static file's text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "k8s-bridge/watcher/object.h"

namespace ofe::watcher {

struct StaticObjects {
  std::vector<Object> objects;
  std::vector<std::string> skipped;  // one line for each Pod, Service or Node that cannot be used: which and why
  std::uint64_t ignored = 0;         // objects of other kinds
};

// Documents of kind Pod, Service, Node (apiVersion v1 or none), List, PodList, ServiceList, NodeList.
// False: the text as a whole cannot be used; error says where and why.
bool parse_static_objects(const std::string& yaml, StaticObjects& result, std::string& error);

}  // namespace ofe::watcher
