// Questions to ovs-vswitchd over its control socket: one at a time, never blocking, reconnected when it restarts.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "flowstore/flow.h"
#include "ovs-plugin/ovs/ovs.h"

namespace ofe {

struct VswitchdStats {
  std::string socket;      // in use, "" while there is none
  std::string last_error;  // "" after an answer
  std::uint64_t calls = 0, answers = 0, refused = 0, broken = 0, timeouts = 0;
  std::uint64_t octets = 0;  // of answers
};

class VswitchdClient {
 public:
  // answer_timeout_ms: a call that takes longer is given up and the connection closed.
  explicit VswitchdClient(std::int64_t answer_timeout_ms = 30'000) : answer_timeout_ms_(answer_timeout_ms) {}

  enum class Progress : std::uint8_t { idle, pending, answered, failed };
  // False: no connection to ask on (stats().last_error); the caller tries again at its next poll.
  bool call(const char* command, const std::vector<const char*>& arguments, flowstore::Now now);
  Progress run(flowstore::Now now);
  void wait() const;
  // Valid after answered, until the next call.
  std::string_view answer() const;
  // Drops a call under way and its connection.
  void abandon();
  const VswitchdStats& stats() const { return stats_; }

 private:
  bool connect();
  Progress fail(std::string reason);

  struct Close {
    void operator()(ofe_ovs_rpc* rpc) const { ofe_ovs_rpc_close(rpc); }
  };
  std::int64_t answer_timeout_ms_;
  std::unique_ptr<ofe_ovs_rpc, Close> rpc_;
  Progress progress_ = Progress::idle;
  std::int64_t deadline_ms_ = 0;
  std::string command_;
  VswitchdStats stats_;
};

}  // namespace ofe
