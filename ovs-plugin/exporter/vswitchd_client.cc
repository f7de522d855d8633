#include "ovs-plugin/exporter/vswitchd_client.h"

#include "ovs-plugin/exporter/vswitchd_socket.h"

namespace ofe {

bool VswitchdClient::connect() {
  if (rpc_) return true;
  const std::string path = find_vswitchd_socket(ofe_ovs_rundir());
  if (path.empty()) {
    stats_.last_error = std::string("no ovs-vswitchd.*.ctl in ") + ofe_ovs_rundir() + ": is ovs-vswitchd running?";
    return false;
  }
  ofe_ovs_rpc* opened = nullptr;
  if (const int error = ofe_ovs_rpc_open(path.c_str(), &opened)) {
    stats_.last_error = "connect " + path + ": " + ofe_ovs_strerror(error);
    ++stats_.broken;
    return false;
  }
  rpc_.reset(opened);
  stats_.socket = path;
  return true;
}

bool VswitchdClient::call(const char* command, const std::vector<const char*>& arguments, flowstore::Now now) {
  progress_ = Progress::idle;
  if (!connect()) return false;
  int error = ofe_ovs_rpc_call(rpc_.get(), command, arguments.data(), arguments.size());
  if (error != 0) {  // a connection left over from an ovs-vswitchd that is gone: once more on a new one
    abandon();
    if (!connect()) return false;
    error = ofe_ovs_rpc_call(rpc_.get(), command, arguments.data(), arguments.size());
  }
  if (error != 0) {
    fail(std::string(command) + ": " + ofe_ovs_strerror(error));
    return false;
  }
  ++stats_.calls;
  command_ = command;
  deadline_ms_ = now.monotonic_ms + answer_timeout_ms_;
  progress_ = Progress::pending;
  return true;
}

VswitchdClient::Progress VswitchdClient::fail(std::string reason) {
  stats_.last_error = std::move(reason);
  ++stats_.broken;
  abandon();
  return progress_ = Progress::failed;
}

VswitchdClient::Progress VswitchdClient::run(flowstore::Now now) {
  if (!rpc_) return progress_;
  const ofe_ovs_rpc_state state = ofe_ovs_rpc_run(rpc_.get());
  if (state == OFE_OVS_RPC_CLOSED) {
    const std::string reason =
        std::string("ovs-vswitchd closed the connection: ") + ofe_ovs_strerror(ofe_ovs_rpc_error(rpc_.get()));
    if (progress_ == Progress::pending) return fail(command_ + ": " + reason);
    abandon();
    return progress_;
  }
  if (progress_ != Progress::pending) return progress_;
  if (state == OFE_OVS_RPC_REPLY) {
    ++stats_.answers;
    stats_.octets += answer().size();
    stats_.last_error.clear();
    return progress_ = Progress::answered;
  }
  if (state == OFE_OVS_RPC_REFUSED) {
    ++stats_.refused;
    stats_.last_error = command_ + ": ovs-vswitchd answered: " + std::string(answer());
    return progress_ = Progress::failed;
  }
  if (now.monotonic_ms >= deadline_ms_) {
    ++stats_.timeouts;
    return fail(command_ + ": no answer within " + std::to_string(answer_timeout_ms_ / 1000) + " s");
  }
  return progress_;
}

void VswitchdClient::wait() const {
  if (rpc_) ofe_ovs_rpc_wait(rpc_.get());
  if (progress_ == Progress::pending) ofe_ovs_poll_timer_wait_until(deadline_ms_);
}

std::string_view VswitchdClient::answer() const {
  std::size_t length = 0;
  const char* text = rpc_ ? ofe_ovs_rpc_text(rpc_.get(), &length) : nullptr;
  return text != nullptr ? std::string_view(text, length) : std::string_view();
}

void VswitchdClient::abandon() {
  rpc_.reset();
  stats_.socket.clear();
  progress_ = Progress::idle;
}

}  // namespace ofe
