// The library's process-wide start.
#pragma once

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

}  // namespace ofe_test
