// spdlog's lines go out through OVS's vlog, so that libopenvswitch's own and ours are one stream with one level.
#pragma once

namespace ofe {

void log_through_ovs();

}  // namespace ofe
