// The library's process-wide start, and one thread that is both ends of a control connection.
#pragma once

#include <string>
#include <vector>

#include "ovs-plugin/ovs/ovs.h"
#include "tests/ovs-plugin/ovs/process.h"

namespace ofe_test {

inline void start_library() {
  static const bool started = [] {
    ofe_ovs_init("ofe-test", nullptr);
    ofe_ovs_log_set_level(OFE_OVS_LOG_ERR);
    return true;
  }();
  static_cast<void>(started);
}

inline int call(ofe_ovs_rpc* rpc, const std::string& command, const std::vector<const char*>& arguments = {}) {
  return ofe_ovs_rpc_call(rpc, command.c_str(), arguments.data(), arguments.size());
}

inline std::string text_of(const ofe_ovs_rpc* rpc) {
  size_t length = 0;
  const char* text = ofe_ovs_rpc_text(rpc, &length);
  return std::string(text, length);
}

}  // namespace ofe_test
